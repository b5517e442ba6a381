package dev.millrace.job.cli;

import java.time.Duration;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a positive span of time: {@code 500ms}, {@code 1s}, {@code 2min}. */
final class Interval implements ITypeConverter<Duration> {

    private static final Pattern FORM = Pattern.compile("(\\d{1,9})\\s*(ms|s|min)");

    @Override
    public Duration convert(String value) {
        var match = FORM.matcher(value);
        if (!match.matches() || Long.parseLong(match.group(1)) == 0) {
            throw new TypeConversionException("'%s' is not a span of time such as 500ms, 1s or 2min".formatted(value));
        }
        long number = Long.parseLong(match.group(1));
        return switch (match.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            default -> Duration.ofMinutes(number);
        };
    }
}
