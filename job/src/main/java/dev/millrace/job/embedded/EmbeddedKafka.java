package dev.millrace.job.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.BindException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * A single Kafka node (KRaft, broker and controller) inside this JVM, on the loopback interface. What it stores outlives it:
 * started again on the same folder, it goes on where it was.
 */
public final class EmbeddedKafka implements AutoCloseable {

    private static final String CONTROLLER = "CONTROLLER";
    private static final int NODE = 1;
    private static final int TRIES = 5;

    private final KafkaRaftServer server;
    private final String bootstrapServers;

    private EmbeddedKafka(KafkaRaftServer server, String bootstrapServers) {
        this.server = server;
        this.bootstrapServers = bootstrapServers;
    }

    /**
     * Starts a node and returns when it takes connections.
     *
     * @param dir folder of its data, made if missing
     * @param port where clients connect; 0: a free one
     */
    public static EmbeddedKafka start(Path dir, int port) throws IOException {
        return start(dir, port, Map.of());
    }

    /**
     * The same with settings of the broker that replace or join those chosen here, such as those of authentication.
     */
    public static EmbeddedKafka start(Path dir, int port, Map<String, String> more) throws IOException {
        return start(dir, () -> Ports.orFree(port), more);
    }

    /**
     * The same where somebody else may take a port before it is listened on: then the next is asked for.
     *
     * @param ports where clients may connect
     */
    static EmbeddedKafka start(Path dir, Ports.Choice ports, Map<String, String> more) throws IOException {
        Files.createDirectories(dir);
        format(dir);
        for (int left = TRIES - 1; ; left--) {
            String bootstrapServers = "127.0.0.1:" + ports.next();
            Map<String, Object> settings = settings(dir, bootstrapServers, "127.0.0.1:" + Ports.orFree(0));
            settings.putAll(more);
            KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
            try {
                server.startup();
                return new EmbeddedKafka(server, bootstrapServers);
            } catch (RuntimeException e) {
                server.shutdown();
                Throwable reason = RootCause.of(e);
                if (left == 0 || !(reason instanceof BindException)) {
                    throw new IOException("Kafka does not start in " + dir + ": " + reason, e);
                }
            }
        }
    }

    public String bootstrapServers() {
        return bootstrapServers;
    }

    /** Stops in order, also where the thread is interrupted, as it is when the process is told to stop. */
    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        server.shutdown();
        server.awaitShutdown();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, Object> settings(Path dir, String clients, String controller) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("process.roles", "broker,controller");
        settings.put("node.id", Integer.toString(NODE));
        settings.put("controller.quorum.voters", NODE + "@" + controller);
        settings.put("listeners", "PLAINTEXT://" + clients + "," + CONTROLLER + "://" + controller);
        settings.put("advertised.listeners", "PLAINTEXT://" + clients);
        settings.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT," + CONTROLLER + ":PLAINTEXT");
        settings.put("controller.listener.names", CONTROLLER);
        settings.put("inter.broker.listener.name", "PLAINTEXT");
        settings.put("log.dirs", dir.toAbsolutePath().toString());
        settings.put("auto.create.topics.enable", "false");
        settings.put("transaction.max.timeout.ms", "3600000");
        for (String topic : new String[] {"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"}) {
            settings.put(topic + ".replication.factor", "1");
            settings.put(topic + ".num.partitions", "1");
        }
        settings.put("transaction.state.log.min.isr", "1");
        settings.put("share.coordinator.state.topic.min.isr", "1");
        settings.put("group.initial.rebalance.delay.ms", "0");
        settings.put("controller.shutdown.timeout.ms", "1000");
        settings.put("log.cleaner.dedupe.buffer.size", Integer.toString(4 << 20));
        limitWhatGrows(settings);
        settings.put("num.network.threads", "2");
        settings.put("num.io.threads", "2");
        settings.put("background.threads", "2");
        return settings;
    }

    /**
     * Of tokens that were read long ago up to 192 MiB a partition stay, and Kafka's memory of a transaction, of which each checkpoint
     * makes one, goes soon after the transaction.
     */
    private static void limitWhatGrows(Map<String, Object> settings) {
        settings.put("log.segment.bytes", Integer.toString(64 << 20));
        settings.put("log.retention.bytes", Integer.toString(128 << 20));
        settings.put("log.retention.check.interval.ms", "60000");
        settings.put("transactional.id.expiration.ms", "7200000");
        settings.put("producer.id.expiration.ms", "600000");
    }

    private static void format(Path dir) throws IOException {
        String folder = dir.toAbsolutePath().toString();
        try {
            new Formatter()
                    .setNodeId(NODE)
                    .setClusterId(clusterId(dir))
                    .addDirectory(folder)
                    .setMetadataLogDirectory(folder)
                    .setControllerListenerName(CONTROLLER)
                    .setIgnoreFormatted(true)
                    .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                    .run();
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("the folder " + dir + " cannot be prepared for Kafka's data", e);
        }
    }

    /** A formatted folder keeps its cluster. */
    private static String clusterId(Path dir) throws IOException {
        Path meta = dir.resolve("meta.properties");
        if (!Files.exists(meta)) {
            return Uuid.randomUuid().toString();
        }
        Properties properties = new Properties();
        try (InputStream in = Files.newInputStream(meta)) {
            properties.load(in);
        }
        return properties.getProperty("cluster.id");
    }
}
