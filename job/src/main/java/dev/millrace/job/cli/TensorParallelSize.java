package dev.millrace.job.cli;

import dev.millrace.gpu.parallel.RankMemory;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How many GPUs share one model; whether they can share the one at hand is seen when it is loaded. */
final class TensorParallelSize implements ITypeConverter<Integer> {

    @Override
    public Integer convert(String text) {
        if (!text.matches("[1-9]") || Integer.parseInt(text) > RankMemory.MOST_RANKS) {
            throw new TypeConversionException("'" + text + "' is not allowed: a model is spread over 1 to "
                    + RankMemory.MOST_RANKS + " GPUs; more subtasks (--parallelism) use more");
        }
        return Integer.valueOf(text);
    }
}
