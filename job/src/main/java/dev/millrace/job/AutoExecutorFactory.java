package dev.millrace.job;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.gpu.GpuExecutorFactory;
import dev.millrace.gpu.device.Device;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
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
    public DefaultLimits defaults(ExecutorConfig config) {
        return choose(Device.obstacle()).defaults(config);
    }

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) throws IOException {
        Optional<String> obstacle = Device.obstacle();
        obstacle.ifPresent(reason -> LOG.info("Computing on the CPU: {}", reason));
        return choose(obstacle).open(model, config, limits);
    }

    private static ModelExecutorFactory choose(Optional<String> obstacle) {
        return obstacle.isPresent() ? new CpuExecutorFactory() : new GpuExecutorFactory();
    }
}
