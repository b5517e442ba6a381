package dev.millrace.bench.figures;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of things. */
public class Count implements ITypeConverter<Integer> {

    private static final int MOST = 999_999_999;

    private final int least;

    /** From one on. */
    public Count() {
        this(1);
    }

    private Count(int least) {
        this.least = least;
    }

    @Override
    public Integer convert(String value) {
        if (!value.matches("\\d{1,9}") || Integer.parseInt(value) < least) {
            throw new TypeConversionException("'%s' is not a whole number from %d to %d".formatted(value, least, MOST));
        }
        return Integer.valueOf(value);
    }

    /** Reads at least two: what comes after the first can be timed. */
    public static final class FromTwo extends Count {
        public FromTwo() {
            super(2);
        }
    }
}
