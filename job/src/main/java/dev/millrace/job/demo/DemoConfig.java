package dev.millrace.job.demo;

import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.operators.LimitSettings;
import dev.millrace.operators.MediaSettings;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.operators.scheduler.Scheduling;
import java.nio.file.Path;
import java.util.List;

/** An operator of modest size for a small model. */
public final class DemoConfig {

    private static final int BUDGET = 1024;
    private static final int SEQUENCES = 64;
    private static final long KV_CACHE_BYTES = 128L << 20;
    private static final int MAX_LOGPROBS = 20;

    private DemoConfig() {}

    /** @param samples folder under which {@code file:} URLs may point */
    public static OperatorConfig of(Path model, Path samples) {
        return of(model, samples, ExecutorConfig.Gpu.DEFAULT);
    }

    /** As the other, on GPUs of the caller's choice if on any. */
    public static OperatorConfig of(Path model, Path samples, ExecutorConfig.Gpu gpu) {
        int length = ModelConfigReader.read(model).text().maxPositionEmbeddings();
        ExecutorConfig executor = ExecutorConfig.DEFAULT
                .withCache(Cache.ofBytes(KV_CACHE_BYTES))
                .withCpu(new Cpu(0, true))
                .withGpu(gpu);
        return new OperatorConfig(
                model.toAbsolutePath().toString(),
                List.of(model.toAbsolutePath().normalize().getFileName().toString()),
                new LimitSettings(BUDGET, SEQUENCES, length),
                executor,
                Scheduling.DEFAULT,
                SamplingDefaults.CHECKPOINT,
                MAX_LOGPROBS,
                media(samples),
                QueueLimits.DEFAULT,
                null,
                true);
    }

    private static MediaSettings media(Path samples) {
        MediaSettings usual = MediaSettings.DEFAULT;
        return new MediaSettings(
                usual.imagesPerPrompt(),
                usual.videosPerPrompt(),
                samples.toAbsolutePath().toString(),
                List.of(),
                usual.minPixels(),
                usual.maxPixels(),
                usual.fps());
    }
}
