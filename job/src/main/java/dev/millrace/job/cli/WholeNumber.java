package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a whole number of any size that fits into 64 bits. */
final class WholeNumber implements ITypeConverter<Long> {

    @Override
    public Long convert(String value) {
        try {
            return Long.valueOf(value);
        } catch (NumberFormatException e) {
            throw new TypeConversionException(
                    "'%s' is not a whole number from %d to %d".formatted(value, Long.MIN_VALUE, Long.MAX_VALUE));
        }
    }
}
