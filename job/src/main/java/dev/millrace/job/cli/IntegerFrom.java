package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a whole number that may not be less than a bound. */
abstract class IntegerFrom implements ITypeConverter<Integer> {

    private final int least;

    private IntegerFrom(int least) {
        this.least = least;
    }

    @Override
    public Integer convert(String value) {
        try {
            int number = Integer.parseInt(value);
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw refusal(value);
        }
        throw refusal(value);
    }

    private TypeConversionException refusal(String value) {
        return new TypeConversionException(
                "'%s' is not a whole number from %d to %d".formatted(value, least, Integer.MAX_VALUE));
    }

    static final class Zero extends IntegerFrom {
        Zero() {
            super(0);
        }
    }

    static final class One extends IntegerFrom {
        One() {
            super(1);
        }
    }

    /** −1 stands for "as much as there is". */
    static final class MinusOne extends IntegerFrom {
        MinusOne() {
            super(-1);
        }
    }
}
