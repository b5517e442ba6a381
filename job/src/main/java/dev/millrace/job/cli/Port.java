package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the number of a port. */
final class Port implements ITypeConverter<Integer> {

    private static final int LAST = 65_535;

    @Override
    public Integer convert(String value) {
        if (!value.matches("\\d{1,5}") || Integer.parseInt(value) > LAST) {
            throw new TypeConversionException("'%s' is not a port from 0 to %d".formatted(value, LAST));
        }
        return Integer.valueOf(value);
    }
}
