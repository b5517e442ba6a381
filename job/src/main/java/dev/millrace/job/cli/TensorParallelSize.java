package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** GPUs that share a model. */
final class TensorParallelSize implements ITypeConverter<Integer> {

    @Override
    public Integer convert(String text) {
        if (!text.equals("1")) {
            throw new TypeConversionException(
                    "'" + text + "' is not allowed: a model runs on one GPU, so 1 is; more subtasks (--parallelism) use"
                            + " more GPUs");
        }
        return 1;
    }
}
