package dev.millrace.bench.serve;

import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads one of a few values by what it prints as. */
abstract class OneOf<T> implements ITypeConverter<T> {

    private final T[] values;

    OneOf(T[] values) {
        this.values = values;
    }

    @Override
    public final T convert(String text) {
        for (T value : values) {
            if (value.toString().equals(text.strip())) {
                return value;
            }
        }
        throw new TypeConversionException("'%s' is not one of %s"
                .formatted(text, Arrays.stream(values).map(Object::toString).collect(Collectors.joining(", "))));
    }
}
