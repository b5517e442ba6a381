package dev.millrace.job;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.gpu.GpuExecutorFactory;
import dev.millrace.gpu.device.Device;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes executors on a GPU where one can be used, which shows where the work is done, and else on the CPU. */
public final class AutoExecutorFactory implements ModelExecutorFactory {

    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(AutoExecutorFactory.class);

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config) throws IOException {
        Optional<String> obstacle = Device.obstacle();
        if (obstacle.isPresent()) {
            LOG.info("Computing on the CPU: {}", obstacle.get());
            return new CpuExecutorFactory().open(model, config);
        }
        return new GpuExecutorFactory().open(model, config);
    }
}
