package dev.millrace.bench.serve;

import java.util.random.RandomGenerator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How far numbers may lie from their mean, as a share of it: 0 to 1. */
record Ratio(double value) {

    static final Ratio ZERO = new Ratio(0);

    int least(int mean) {
        return (int) Math.floor(mean * (1 - value));
    }

    int most(int mean) {
        return (int) Math.ceil(mean * (1 + value));
    }

    /** A number between least and most, each as likely as the others. */
    int draw(int mean, RandomGenerator random) {
        return random.nextInt(least(mean), most(mean) + 1);
    }

    @Override
    public String toString() {
        return Double.toString(value);
    }

    /** Reads a ratio. */
    static final class Converter implements ITypeConverter<Ratio> {

        @Override
        public Ratio convert(String value) {
            if (!value.matches("1(\\.0{1,9})?|0?\\.\\d{1,9}|0")) {
                throw new TypeConversionException("'%s' is not a number from 0 to 1".formatted(value));
            }
            return new Ratio(Double.parseDouble(value));
        }
    }
}
