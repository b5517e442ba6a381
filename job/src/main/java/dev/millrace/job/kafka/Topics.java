package dev.millrace.job.kafka;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The job's topics: made where they are missing, with 16 partitions, messages of 32 MiB and prompts kept for ever, those for
 * cancels and for the job's status with one partition; where others made them, the limits of those that hold prompts and
 * answers are read and what does not fit is refused.
 */
public final class Topics implements AutoCloseable {

    /** Most bytes of a record in a topic that is made here. */
    public static final int MAX_MESSAGE_BYTES = 32 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(Topics.class);
    private static final int PARTITIONS = 16;

    /** Cancels are read from the beginning when the job starts; no request is expected to wait longer. */
    private static final Map<String, String> A_DAY = Map.of(TopicConfig.RETENTION_MS_CONFIG, "86400000");

    /** Only the latest word counts. */
    private static final Map<String, String> MINUTES =
            Map.of(TopicConfig.RETENTION_MS_CONFIG, "600000", TopicConfig.SEGMENT_MS_CONFIG, "600000");

    private final KafkaConfig config;
    private final Admin admin;

    public Topics(KafkaConfig config) {
        this.config = config;
        this.admin = Admin.create(config.properties());
    }

    /**
     * Makes the missing topics, waits until they are known, and reads the limits of all.
     *
     * @throws IllegalArgumentException if an existing topic does not fit; says which limit
     * @throws org.apache.kafka.common.KafkaException if the cluster does not answer or refuses
     */
    public TopicLimits prepare() {
        Map<String, NewTopic> missing = wanted();
        missing.keySet().removeAll(Answers.await(admin.listTopics().names(), "list the topics"));
        missing.values().forEach(this::create);
        missing.keySet().forEach(this::describe);
        TopicLimits limits = limits();
        limits.check(config);
        return limits;
    }

    /** The limits of topics that exist. */
    public TopicLimits limits() {
        Config prompts = describe(config.promptTopic());
        return new TopicLimits(
                maxBytes(prompts),
                maxBytes(describe(config.tokenTopic())),
                config.deadLetterTopic() == null ? 0 : maxBytes(describe(config.deadLetterTopic())),
                prompts.get(TopicConfig.CLEANUP_POLICY_CONFIG).value(),
                TransactionTimeout.allowedBy(admin));
    }

    private Map<String, NewTopic> wanted() {
        Map<String, NewTopic> wanted = new LinkedHashMap<>();
        Map<String, String> forEver =
                Map.of(TopicConfig.RETENTION_MS_CONFIG, "-1", TopicConfig.RETENTION_BYTES_CONFIG, "-1");
        wanted.put(config.promptTopic(), topic(config.promptTopic(), MAX_MESSAGE_BYTES, forEver));
        wanted.put(config.tokenTopic(), topic(config.tokenTopic(), MAX_MESSAGE_BYTES, Map.of()));
        wanted.put(config.controlTopic(), small(config.controlTopic(), A_DAY));
        wanted.put(config.statusTopic(), small(config.statusTopic(), MINUTES));
        if (config.deadLetterTopic() != null) {
            int bytes = MAX_MESSAGE_BYTES + DeadLetterSerializer.OVERHEAD;
            wanted.put(config.deadLetterTopic(), topic(config.deadLetterTopic(), bytes, Map.of()));
        }
        return wanted;
    }

    private static NewTopic topic(String name, int maxMessageBytes, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(more);
        settings.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(maxMessageBytes));
        return new NewTopic(name, Optional.of(PARTITIONS), Optional.empty()).configs(settings);
    }

    private static NewTopic small(String name, Map<String, String> settings) {
        return new NewTopic(name, Optional.of(1), Optional.empty()).configs(settings);
    }

    private void create(NewTopic topic) {
        try {
            Answers.await(admin.createTopics(List.of(topic)).all(), "create the topic " + topic.name());
        } catch (TopicExistsException e) {
            LOG.debug("another made the topic {} since the topics were listed", topic.name(), e);
        }
    }

    private Config describe(String topic) {
        ConfigResource resource = new ConfigResource(Type.TOPIC, topic);
        return Answers.awaitKnown(
                        () -> admin.describeConfigs(List.of(resource)).all(), "read the settings of the topic " + topic)
                .get(resource);
    }

    private static int maxBytes(Config config) {
        return Integer.parseInt(config.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG).value());
    }

    /** What was not answered by then is waited for no longer. */
    @Override
    public void close() {
        admin.close(Duration.ZERO);
    }
}
