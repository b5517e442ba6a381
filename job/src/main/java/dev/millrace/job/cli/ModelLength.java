package dev.millrace.job.cli;

import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How long sequences may be.
 *
 * @param tokens most of a sequence; null: the checkpoint's positions
 * @param fitted whether they are as long as the key-value cache is, where that holds less
 */
record ModelLength(Integer tokens, boolean fitted) {

    /** The checkpoint's positions. */
    static final ModelLength USUAL = new ModelLength(null, false);

    /** Reads a number of tokens, or {@code auto} or -1 for what fits, as vLLM does. */
    static final class Converter implements ITypeConverter<ModelLength> {

        @Override
        public ModelLength convert(String value) {
            if (value.equals("-1") || value.toLowerCase(Locale.ROOT).equals("auto")) {
                return new ModelLength(null, true);
            }
            try {
                return new ModelLength(new TokenCount().convert(value), false);
            } catch (TypeConversionException e) {
                throw new TypeConversionException(e.getMessage() + ", nor auto (or -1)");
            }
        }
    }
}
