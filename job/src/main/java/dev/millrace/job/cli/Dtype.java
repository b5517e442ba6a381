package dev.millrace.job.cli;

import java.util.Arrays;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How weights are held. */
public enum Dtype {
    auto,
    bfloat16,
    float32;

    /** Refuses float16 with its reason. */
    public static final class Converter implements ITypeConverter<Dtype> {

        @Override
        public Dtype convert(String text) {
            if (text.equals("float16") || text.equals("half")) {
                throw new TypeConversionException("'" + text + "' is not allowed: values in Qwen2.5-VL's vision tower"
                        + " exceed 65504, its largest; bfloat16 takes as little memory");
            }
            return Arrays.stream(values())
                    .filter(dtype -> dtype.name().equals(text))
                    .findAny()
                    .orElseThrow(() ->
                            new TypeConversionException("'" + text + "' is none of " + Arrays.toString(values())));
        }
    }
}
