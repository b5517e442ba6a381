package dev.millrace.gpu;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.gpu.device.Device;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import java.nio.file.Path;
import java.util.Random;

/** Executors of the repository's small models. */
final class Models {

    static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    static final Path DEMO = ROOT.resolve("models/demo-vl");
    static final Path DEMO_DRAFT = ROOT.resolve("models/demo-draft");
    static final Path GOLDEN_A = ROOT.resolve("golden/model-a");
    static final Path GOLDEN_B = ROOT.resolve("golden/model-b");

    private static final ExecutorConfig.Gpu EAGER = new ExecutorConfig.Gpu(0.9, true, 1, "");

    private static final Limits LIMITS = new Limits(300, 12, 512);

    private Models() {}

    static ExecutorConfig config(String dtype) {
        return ExecutorConfig.DEFAULT
                .withDtype(dtype)
                .withCache(Cache.ofBlocks(80))
                .withMediaRows(300)
                .withCpu(new Cpu(2, false));
    }

    static ModelExecutor gpu(Path model, ExecutorConfig config) {
        return gpu(model, config, LIMITS);
    }

    static ModelExecutor gpu(Path model, ExecutorConfig config, Limits limits) {
        return new GpuExecutorFactory().open(model, config, limits);
    }

    /** Single precision, each kernel launched by itself. */
    static ModelExecutor eager(Path model) {
        return gpu(model, config("float32").withGpu(EAGER));
    }

    /** Single precision, decode steps as graphs. */
    static ModelExecutor withGraphs(Path model) {
        return gpu(model, config("float32"));
    }

    /** Single precision, with drafts of a model or, where that is null, of the caller. */
    static ModelExecutor speculating(Path model, Path draft, int drafts, boolean eager) {
        ExecutorConfig config = eager ? config("float32").withGpu(EAGER) : config("float32");
        return gpu(
                model,
                config.withSpeculation(new ExecutorConfig.Speculation(draft == null ? "" : draft.toString(), drafts)));
    }

    /** On several GPUs; on as many as there are, where there are less. */
    static ModelExecutor ranked(Path model, String dtype, boolean eager, int ranks) {
        int available = Math.min(ranks, Device.count());
        return gpu(model, config(dtype).withGpu(new ExecutorConfig.Gpu(0.9, eager, available, "")));
    }

    static ModelExecutor cpu(Path model) {
        return new CpuExecutorFactory().open(model, config("float32"), LIMITS);
    }

    /** Token ids that all models know. */
    static int[] ids(int count, long seed) {
        return new Random(seed).ints(count, 0, 370).toArray();
    }
}
