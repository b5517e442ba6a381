package dev.millrace.job;

import dev.millrace.job.embedded.EmbeddedFlink;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.job.kafka.Topics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** A broker and a cluster for all tests of this module; a test that asks for it as a parameter gets it. */
public final class LocalStack implements AutoCloseable {

    public static final int SLOTS = 2;

    private final AtomicInteger names = new AtomicInteger();
    private final Path dir;
    private final EmbeddedKafka kafka;
    private final EmbeddedFlink flink;

    private LocalStack() throws IOException {
        dir = Files.createTempDirectory("millrace-test");
        CompletableFuture<EmbeddedFlink> starting = CompletableFuture.supplyAsync(() -> {
            try {
                return EmbeddedFlink.start(dir.resolve("flink"), SLOTS, Map.of());
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        });
        kafka = EmbeddedKafka.start(dir.resolve("kafka"), 0);
        flink = starting.join();
    }

    public EmbeddedKafka kafka() {
        return kafka;
    }

    public EmbeddedFlink flink() {
        return flink;
    }

    public Path checkpoints() {
        return dir.resolve("flink/checkpoints");
    }

    /** Topics and a group of their own. */
    public KafkaConfig freshTopics() {
        String name = "test" + names.incrementAndGet();
        return KafkaConfig.of(kafka.bootstrapServers())
                .withTopics(name + "-prompts", name + "-tokens", name + "-dead")
                .withGroupId(name);
    }

    public static TopicLimits prepare(KafkaConfig config) {
        try (Topics topics = new Topics(config)) {
            return topics.prepare();
        }
    }

    @Override
    public void close() throws IOException {
        flink.close();
        kafka.close();
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Starts the stack once. */
    public static final class Shared implements ParameterResolver {

        private static final Namespace NAMESPACE = Namespace.create(Shared.class);

        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == LocalStack.class;
        }

        @Override
        public LocalStack resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(NAMESPACE)
                    .getOrComputeIfAbsent("stack", key -> start(), LocalStack.class);
        }

        private static LocalStack start() {
            try {
                return new LocalStack();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
