package dev.millrace.job.cli;

import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a number of bytes as vLLM does: {@code 1024}, {@code 512M} and {@code 4G} in powers of 1000 where the unit is
 * lower case ({@code 4g}), in powers of 1024 where it is upper case or ends in {@code iB}.
 */
final class ByteSize implements ITypeConverter<Long> {

    private static final Pattern FORM = Pattern.compile("(\\d{1,15})(?:([kmgtKMGT])(iB)?)?");

    @Override
    public Long convert(String value) {
        var match = FORM.matcher(value);
        if (!match.matches()) {
            throw refusal(value);
        }
        long number = Long.parseLong(match.group(1));
        try {
            return match.group(2) == null
                    ? number
                    : Math.multiplyExact(number, unit(match.group(2), match.group(3) != null));
        } catch (ArithmeticException e) {
            throw refusal(value);
        }
    }

    private static long unit(String letter, boolean binary) {
        int power = 1 + "kmgt".indexOf(letter.toLowerCase(Locale.ROOT));
        long base = binary || Character.isUpperCase(letter.charAt(0)) ? 1024 : 1000;
        return (long) Math.pow(base, power);
    }

    private static TypeConversionException refusal(String value) {
        return new TypeConversionException(
                "'%s' is not a number of bytes such as 1073741824, 512MiB or 4GiB".formatted(value));
    }
}
