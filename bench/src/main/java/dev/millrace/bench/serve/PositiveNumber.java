package dev.millrace.bench.serve;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number above nought, or {@code inf}. */
final class PositiveNumber implements ITypeConverter<Double> {

    @Override
    public Double convert(String value) {
        if (value.equals("inf")) {
            return Double.POSITIVE_INFINITY;
        }
        if (value.matches("\\d{1,9}(\\.\\d{1,9})?") && Double.parseDouble(value) > 0) {
            return Double.valueOf(value);
        }
        throw new TypeConversionException("'%s' is not a number above 0, nor inf".formatted(value));
    }
}
