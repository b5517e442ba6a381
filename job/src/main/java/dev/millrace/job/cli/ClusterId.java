package dev.millrace.job.cli;

import dev.millrace.job.kafka.KafkaConfig;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;

/** Asks a Kafka cluster for its id, which tells its offsets from those of any other. */
final class ClusterId {

    private ClusterId() {}

    static String of(KafkaConfig config) throws InterruptedException {
        Map<String, Object> properties = new HashMap<>(config.clientProperties());
        properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.bootstrapServers());
        try (Admin admin = Admin.create(properties)) {
            return admin.describeCluster().clusterId().get();
        } catch (ExecutionException e) {
            throw new KafkaException(
                    "the cluster at " + config.bootstrapServers() + " does not tell its id", e.getCause());
        }
    }
}
