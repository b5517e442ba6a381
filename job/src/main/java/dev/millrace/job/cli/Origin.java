package dev.millrace.job.cli;

import dev.millrace.job.kafka.KafkaConfig;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;

/** Where a job's offsets are from, as a relative path: a Kafka cluster, group and topic, so that no job goes on from another's. */
final class Origin {

    private Origin() {}

    /** Asks the cluster for its id. */
    static String of(KafkaConfig kafka) throws InterruptedException {
        Map<String, Object> properties = new HashMap<>(kafka.clientProperties());
        properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
        try (Admin admin = Admin.create(properties)) {
            return admin.describeCluster().clusterId().get() + "/" + kafka.groupId() + "-" + kafka.promptTopic();
        } catch (ExecutionException e) {
            throw new KafkaException(
                    "the cluster at " + kafka.bootstrapServers() + " does not tell its id", e.getCause());
        }
    }
}
