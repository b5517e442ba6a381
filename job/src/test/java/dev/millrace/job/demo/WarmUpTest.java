package dev.millrace.job.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.OperatorConfig;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class WarmUpTest {

    private static final Path MODEL = Path.of(System.getProperty("millrace.root"), "models/demo-vl");
    private static final CountDownLatch OPENED = new CountDownLatch(1);
    private static final CountDownLatch CLOSED = new CountDownLatch(1);

    /** A GPU has one holder at a time, and a job that finds it held ends. */
    @Test
    void whoComesAfterTheWarmUpFindsTheDeviceFree() throws Exception {
        OperatorConfig config = DemoConfig.of(MODEL, MODEL);
        try (var warmUp = new WarmUp(config, new Watched())) {
            warmUp.start();
            OPENED.await();
        }
        assertThat(CLOSED.getCount()).isZero();
    }

    private record Watched() implements ModelExecutorFactory {
        @Override
        public DefaultLimits defaults(ExecutorConfig config) {
            return DefaultLimits.CPU;
        }

        @Override
        public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) throws IOException {
            ModelExecutor executor = new CpuExecutorFactory().open(model, config, limits);
            OPENED.countDown();
            return (ModelExecutor) Proxy.newProxyInstance(
                    getClass().getClassLoader(), new Class<?>[] {ModelExecutor.class}, (proxy, method, args) -> {
                        Object result = method.invoke(executor, args);
                        if (method.getName().equals("close")) {
                            CLOSED.countDown();
                        }
                        return result;
                    });
        }
    }
}
