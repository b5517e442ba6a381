package dev.millrace.bench;

import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.nio.file.Path;

/**
 * Makes executors that compute nothing at a steady pace.
 *
 * @param stepNanos time of each step
 */
record PacedExecutorFactory(long stepNanos) implements ModelExecutorFactory {

    @Override
    public DefaultLimits defaults(ExecutorConfig config) {
        return DefaultLimits.CPU;
    }

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) {
        return new PacedExecutor(config.cache().numBlocks(), stepNanos);
    }
}
