package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a share of a whole, more than nothing. */
final class Share implements ITypeConverter<Double> {

    @Override
    public Double convert(String value) {
        try {
            double share = Double.parseDouble(value);
            if (share > 0 && share <= 1) {
                return share;
            }
        } catch (NumberFormatException e) {
            throw refusal(value);
        }
        throw refusal(value);
    }

    private static TypeConversionException refusal(String value) {
        return new TypeConversionException("'%s' is not a number above 0 and at most 1, such as 0.9".formatted(value));
    }
}
