package dev.millrace.model.grammar.schema;

import dev.millrace.model.grammar.automaton.CodePoints;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.RuleSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * JSON (RFC 8259) as grammar. White space between the parts of objects and arrays is any number of spaces, tabs and line
 * feeds, as XGrammar has it; none stands before or behind a document.
 */
final class JsonTerms {

    static final Expr SPACE = Expr.star(Expr.chars(" \n\t"));
    static final Expr DIGITS = new Expr.Repeat(Expr.range('0', '9'), 1, Expr.UNBOUNDED);
    static final Expr WHOLE = Expr.alt(Expr.text("0"), Expr.seq(Expr.range('1', '9'), Expr.star(Expr.range('0', '9'))));
    static final Expr INTEGER = Expr.seq(Expr.optional(Expr.text("-")), WHOLE);
    static final Expr NUMBER = Expr.seq(
            INTEGER,
            Expr.optional(Expr.seq(Expr.text("."), DIGITS)),
            Expr.optional(Expr.seq(Expr.chars("eE"), Expr.optional(Expr.chars("+-")), DIGITS)));
    static final Expr BOOLEAN = Expr.alt(Expr.text("true"), Expr.text("false"));
    static final Expr NULL = Expr.text("null");

    /** Any string, any object, any array, any value: rules that {@link #define} makes. */
    static final Expr STRING = new Expr.Call("json-string");

    static final Expr OBJECT = new Expr.Call("json-object");
    static final Expr ARRAY = new Expr.Call("json-array");
    static final Expr VALUE = new Expr.Call("json-value");

    private static final CodePoints ESCAPED = CodePoints.of(0, 0x1f).or(CodePoints.anyOf("\"\\"));
    private static final String SHORT = "\"\\\b\f\n\r\t";
    private static final String SHORT_LETTERS = "\"\\bfnrt";

    private JsonTerms() {}

    static void define(RuleSet rules) {
        rules.define("json-string", anyString());
        rules.define("json-object", object(STRING, VALUE));
        rules.define("json-array", list("[", VALUE, "]", 0, Expr.UNBOUNDED));
        rules.define("json-value", Expr.alt(STRING, OBJECT, ARRAY, NUMBER, BOOLEAN, NULL));
    }

    /** An object of any number of such pairs. */
    static Expr object(Expr key, Expr value) {
        return list("{", pair(key, value), "}", 0, Expr.UNBOUNDED);
    }

    static Expr pair(Expr key, Expr value) {
        return Expr.seq(key, SPACE, Expr.text(":"), SPACE, value);
    }

    /** Parts with commas between them, within brackets. */
    static Expr list(String open, Expr part, String close, int min, int max) {
        int more = max == Expr.UNBOUNDED ? max : max - 1;
        Expr none = Expr.seq(Expr.text(open), SPACE, Expr.text(close));
        Expr some = Expr.seq(
                Expr.text(open),
                SPACE,
                part,
                new Expr.Repeat(next(part), Math.max(0, min - 1), more),
                SPACE,
                Expr.text(close));
        return max == 0 ? none : min == 0 ? Expr.alt(none, some) : some;
    }

    /** A part behind a comma. */
    static Expr next(Expr part) {
        return Expr.seq(SPACE, Expr.text(","), SPACE, part);
    }

    /** A string in which any character may be escaped in any way; what is escaped is well-formed UTF-16. */
    private static Expr anyString() {
        Expr hex = Expr.chars("0123456789abcdefABCDEF");
        Expr hex3 = new Expr.Repeat(hex, 3, 3);
        Expr low = Expr.seq(Expr.text("\\u"), Expr.chars("dD"), Expr.chars("cdefCDEF"), hex, hex);
        Expr unicode = Expr.alt(
                Expr.seq(Expr.chars("0123456789abcefABCEF"), hex3),
                Expr.seq(Expr.chars("dD"), Expr.range('0', '7'), hex, hex),
                Expr.seq(Expr.chars("dD"), Expr.chars("89abAB"), hex, hex, low));
        Expr escape = Expr.seq(Expr.text("\\"), Expr.alt(Expr.chars("\"\\/bfnrt"), Expr.seq(Expr.text("u"), unicode)));
        return quoted(Expr.star(Expr.alt(new Expr.Chars(ESCAPED.not()), escape)));
    }

    static Expr quoted(Expr content) {
        return Expr.seq(Expr.text("\""), content, Expr.text("\""));
    }

    /** What stands between a string's quotes where its value is as {@code value} says: nothing is escaped that need not be. */
    static Expr encoded(Expr value) {
        if (value instanceof Expr.Chars chars) {
            return encoded(chars.set());
        }
        if (value instanceof Expr.Seq seq) {
            return new Expr.Seq(seq.parts().stream().map(JsonTerms::encoded).toList());
        }
        if (value instanceof Expr.Alt alt) {
            return new Expr.Alt(alt.options().stream().map(JsonTerms::encoded).toList());
        }
        if (value instanceof Expr.Repeat repeat) {
            return new Expr.Repeat(encoded(repeat.inner()), repeat.min(), repeat.max());
        }
        throw new IllegalArgumentException("no value of a string: " + value);
    }

    private static Expr encoded(CodePoints set) {
        List<Expr> options = new ArrayList<>();
        options.add(new Expr.Chars(set.minus(ESCAPED)));
        for (CodePoints.Range range : set.and(ESCAPED).ranges()) {
            for (int c = range.low(); c <= range.high(); c++) {
                options.add(escape(c));
            }
        }
        return new Expr.Alt(options);
    }

    private static Expr escape(int c) {
        int at = SHORT.indexOf(c);
        if (at >= 0) {
            return Expr.text("\\" + SHORT_LETTERS.charAt(at));
        }
        String last = Integer.toHexString(c & 0xf);
        return Expr.seq(Expr.text("\\u00" + (c >>> 4)), Expr.chars(last + last.toUpperCase(Locale.ROOT)));
    }
}
