package dev.millrace.cpu;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutor;
import java.nio.file.Path;

/** Executors for tests. */
final class Executors {

    static final ExecutorConfig CONFIG = new ExecutorConfig("auto", "auto", 16, 400, 0, 64, 1024, 1024, 2048, 2, false);

    private Executors() {}

    static ModelExecutor open(Path model, Kernels kernels, int threads) {
        return new CpuExecutorFactory().open(model, withThreads(threads), kernels);
    }

    static ExecutorConfig withThreads(int threads) {
        return new ExecutorConfig("auto", "auto", 16, 400, 0, 64, 1024, 1024, 2048, threads, false);
    }
}
