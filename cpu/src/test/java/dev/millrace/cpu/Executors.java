package dev.millrace.cpu;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import java.nio.file.Path;

/** Executors for tests. */
final class Executors {

    private static final Limits LIMITS = new Limits(1024, 64, 1024);

    private Executors() {}

    static ModelExecutor open(Path model, Kernels kernels, int threads) {
        return new CpuExecutorFactory().open(model, config(400, threads), LIMITS, kernels);
    }

    static ModelExecutor openWithBlocks(Path model, int numBlocks) {
        return new CpuExecutorFactory().open(model, config(numBlocks, 2), LIMITS);
    }

    static ExecutorConfig config(int numBlocks, int threads) {
        return ExecutorConfig.DEFAULT
                .withCache(Cache.ofBlocks(numBlocks))
                .withMediaRows(2048)
                .withCpu(new Cpu(threads, false));
    }
}
