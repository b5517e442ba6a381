package dev.millrace.job.demo;

import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.MediaSettings;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.operators.engine.EngineConfig;
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
        var executor = new ExecutorConfig(
                "auto",
                "auto",
                16,
                0,
                KV_CACHE_BYTES,
                SEQUENCES,
                BUDGET,
                length,
                Math.max(BUDGET, length),
                0,
                true,
                gpu);
        return new OperatorConfig(
                model.toAbsolutePath().toString(),
                List.of(model.toAbsolutePath().normalize().getFileName().toString()),
                executor,
                new EngineConfig(BUDGET, SEQUENCES, length, true, true, 0, EngineConfig.Policy.FCFS, 2),
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
