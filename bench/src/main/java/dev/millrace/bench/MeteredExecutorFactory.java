package dev.millrace.bench;

import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Makes executors that are metered. The factory is copied into the job, whose tasks run in this process: what the latest of
 * its executors metered is read from here.
 */
record MeteredExecutorFactory(ModelExecutorFactory executors) implements ModelExecutorFactory {

    private static volatile Meter latest;

    @Override
    public DefaultLimits defaults(ExecutorConfig config) {
        return executors.defaults(config);
    }

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) throws IOException {
        var meter = new Meter(executors.open(model, config, limits));
        latest = meter;
        return meter;
    }

    /** Time that the executor made last, by any of these factories, was at steps; 0 before there is one. */
    static long computeNanos() {
        Meter meter = latest;
        return meter == null ? 0 : meter.computeNanos();
    }
}
