package dev.millrace.job.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a number of tokens, at least one, as vLLM does: {@code 1024}, {@code 32k} and {@code 25.6k} (thousands), {@code 32K}
 * (times 1024).
 */
final class TokenCount implements ITypeConverter<Integer> {

    private static final Pattern FORM =
            Pattern.compile("(\\d{1,10})|(\\d{1,10}(?:\\.\\d{1,10})?)([kmg])|(\\d{1,10})([KMG])");

    @Override
    public Integer convert(String value) {
        var match = FORM.matcher(value);
        if (!match.matches()) {
            throw refusal(value);
        }
        BigDecimal number = match.group(1) != null
                ? new BigDecimal(match.group(1))
                : match.group(2) != null
                        ? new BigDecimal(match.group(2)).multiply(unit(match.group(3), 1000))
                        : new BigDecimal(match.group(4)).multiply(unit(match.group(5), 1024));
        if (number.compareTo(BigDecimal.ONE) < 0 || number.compareTo(BigDecimal.valueOf(Integer.MAX_VALUE)) > 0) {
            throw refusal(value);
        }
        return number.intValue();
    }

    private static BigDecimal unit(String letter, int base) {
        return BigDecimal.valueOf(base).pow(1 + "kmg".indexOf(letter.toLowerCase(Locale.ROOT)));
    }

    private static TypeConversionException refusal(String value) {
        return new TypeConversionException("'%s' is not a whole number from 1 to %d, such as 32768, 32k or 32K"
                .formatted(value, Integer.MAX_VALUE));
    }
}
