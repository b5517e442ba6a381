package dev.millrace.cpu;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutor;
import java.nio.file.Path;

/** Executors for tests. */
final class Executors {

    private Executors() {}

    static ModelExecutor open(Path model, Kernels kernels, int threads) {
        return new CpuExecutorFactory().open(model, config(400, threads), kernels);
    }

    static ModelExecutor openWithBlocks(Path model, int numBlocks) {
        return new CpuExecutorFactory().open(model, config(numBlocks, 2));
    }

    static ExecutorConfig config(int numBlocks, int threads) {
        return new ExecutorConfig("auto", "auto", 16, numBlocks, 0, 64, 1024, 1024, 2048, threads, false);
    }
}
