package dev.millrace.bench;

import dev.millrace.model.executor.ExecutorConfig;
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
    public ModelExecutor open(Path model, ExecutorConfig config) {
        return new PacedExecutor(config.numBlocks(), stepNanos);
    }
}
