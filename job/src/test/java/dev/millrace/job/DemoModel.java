package dev.millrace.job;

import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.operators.Control;
import dev.millrace.operators.InferenceOperatorFactory;
import dev.millrace.operators.LimitSettings;
import dev.millrace.operators.MediaSettings;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.operators.scheduler.Scheduling;
import java.nio.file.Path;
import java.util.List;

/** The real operator with the demonstration model and a {@link Brake}, small enough for two of them to share the machine. */
final class DemoModel {

    static final int MAX_MODEL_LEN = 1024;

    private static final int FEW = 8;
    private static final Path FOLDER = Path.of(System.getProperty("millrace.root"), "models", "demo-vl");

    private DemoModel() {}

    /**
     * For a few answers at a time.
     *
     * @param media folder whose files may be asked for, or null
     */
    static InferenceOperatorFactory operator(Path media) {
        return operator(media, List.of(), FEW, Control.NONE);
    }

    /** For a few answers at a time, which gateways ask for. */
    static InferenceOperatorFactory operator(Path media, Control.Factory controls) {
        return operator(media, List.of(), FEW, controls);
    }

    /**
     * @param media folder whose files may be asked for, or null
     * @param hosts the only ones from which media may be fetched; empty: all public ones
     * @param sequences answers at a time
     */
    static InferenceOperatorFactory operator(Path media, List<String> hosts, int sequences, Control.Factory controls) {
        OperatorConfig config = new OperatorConfig(
                FOLDER.toString(),
                List.of("demo-vl"),
                new LimitSettings(256, sequences, MAX_MODEL_LEN),
                ExecutorConfig.DEFAULT
                        .withCache(Cache.ofBytes(64L << 20))
                        .withMediaRows(2048)
                        .withCpu(new Cpu(1, true)),
                Scheduling.DEFAULT,
                SamplingDefaults.CHECKPOINT,
                20,
                new MediaSettings(4, 4, media == null ? null : media.toString(), hosts, null, null, null),
                QueueLimits.DEFAULT,
                null,
                true);
        return new InferenceOperatorFactory(config, new Brake.Factory(), controls);
    }
}
