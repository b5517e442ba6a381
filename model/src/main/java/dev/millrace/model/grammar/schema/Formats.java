package dev.millrace.model.grammar.schema;

import java.util.Map;
import java.util.TreeSet;

/** The formats of strings that are held to, as regular expressions; each allows a part of what its standard does. */
final class Formats {

    private static final String YEAR = "[0-9]{4}";
    private static final String LEAP_YEAR =
            "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)";
    private static final String DATE = "(" + YEAR
            + "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|"
            + LEAP_YEAR + "-02-29)";
    private static final String TIME =
            "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])";
    private static final String LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private static final String NAME = LABEL + "(\\." + LABEL + "){0,3}";
    private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private static final String GROUP = "[0-9A-Fa-f]{1,4}";
    private static final String URI_CHARACTER = "([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})";

    private static final Map<String, String> PATTERNS = Map.ofEntries(
            Map.entry("date", DATE),
            Map.entry("time", TIME),
            Map.entry("date-time", DATE + "T" + TIME),
            Map.entry(
                    "duration",
                    "P([0-9]+W|[0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D|([0-9]+D)?T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))"),
            Map.entry(
                    "email", "[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9_+-]{1,20}){0,2}@" + LABEL + "(\\." + LABEL + "){1,2}"),
            Map.entry("hostname", NAME),
            Map.entry("ipv4", BYTE + "(\\." + BYTE + "){3}"),
            Map.entry("ipv6", "(" + GROUP + ":){7}" + GROUP + "|::(" + GROUP + "(:" + GROUP + "){0,5})?"),
            Map.entry("uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"),
            Map.entry("uri", "https?://" + NAME + "(:[0-9]{1,4})?(/" + URI_CHARACTER + "*)?"),
            Map.entry("json-pointer", "(/([A-Za-z0-9._ -]|~[01])*)*"));

    private Formats() {}

    /** A regular expression for the format, or null. */
    static String pattern(String format) {
        return PATTERNS.get(format);
    }

    static String names() {
        return String.join(", ", new TreeSet<>(PATTERNS.keySet()));
    }
}
