package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the tokens of a key-value block, for which kernels know one number. */
final class BlockSize implements ITypeConverter<Integer> {

    private static final String ONLY = "16";

    @Override
    public Integer convert(String value) {
        if (!value.equals(ONLY)) {
            throw new TypeConversionException("'%s' is not %s, the only size that is allowed".formatted(value, ONLY));
        }
        return Integer.valueOf(value);
    }
}
