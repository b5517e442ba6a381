package dev.millrace.bench;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a whole number of at least one. */
final class Count implements ITypeConverter<Integer> {

    @Override
    public Integer convert(String value) {
        if (!value.matches("[1-9]\\d{0,8}")) {
            throw new TypeConversionException("'%s' is not a whole number from 1 to 999999999".formatted(value));
        }
        return Integer.valueOf(value);
    }
}
