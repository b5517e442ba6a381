package dev.millrace.bench.recovery;

import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.KafkaConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * {@code millrace run} in a process that is killed again and again, behind a {@code millrace gateway} in another that stays, and
 * a broker in this one.
 */
final class KilledJob implements AutoCloseable {

    private static final Pattern API = Pattern.compile("  API +(\\S+)");
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long PATIENCE_SECONDS = 300;

    private final Path folder;
    private final EmbeddedKafka broker;
    private final MillraceProcess gateway;
    private final List<String> command;
    private MillraceProcess run;

    /**
     * Starts all three.
     *
     * @param folder an empty folder for their data
     * @param flags of {@code run}, beside the model and the broker
     */
    KilledJob(Path folder, Path model, List<String> flags) throws IOException {
        this.folder = folder;
        broker = EmbeddedKafka.start(folder.resolve("kafka"), 0);
        List<String> both =
                List.of("--model", model.toAbsolutePath().toString(), "--bootstrap-servers", broker.bootstrapServers());
        command = new ArrayList<>(List.of("run"));
        command.addAll(both);
        command.addAll(flags);
        List<String> server = new ArrayList<>(List.of("gateway", "--host", "127.0.0.1", "--port", "0"));
        server.addAll(both);
        run = start("run", command);
        gateway = start("gateway", server);
    }

    private MillraceProcess start(String name, List<String> arguments) throws IOException {
        Path home = Files.createDirectories(folder.resolve(name));
        return MillraceProcess.start(home, folder.resolve(name + ".log"), arguments);
    }

    KafkaConfig kafka() {
        return KafkaConfig.of(broker.bootstrapServers());
    }

    /** Where clients ask, once that is known. */
    URI awaitApi() {
        await("the start of 'millrace gateway'", () -> gateway.said(API).isPresent());
        return URI.create(gateway.said(API).orElseThrow());
    }

    /** @throws IllegalStateException if either process has ended by itself */
    void check() {
        run.check();
        gateway.check();
    }

    /**
     * Waits until it holds.
     *
     * @param what it is, for the error if it does not come
     */
    void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            check();
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("%s did not come within %d s; 'millrace run' said last:%n%s"
                        .formatted(what, PATIENCE_SECONDS, run.lastLines()));
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /**
     * Kills the job's process and starts another.
     *
     * @return when it was killed, by {@link System#nanoTime}
     */
    long kill() throws IOException, InterruptedException {
        long time = System.nanoTime();
        run.kill();
        run = start("run", command);
        return time;
    }

    @Override
    public void close() throws IOException {
        gateway.close();
        run.close();
        broker.close();
    }
}
