package dev.millrace.job.kafka;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How long a transaction may stay open: what is not committed by then is lost, so as long as the broker allows. */
final class TransactionTimeout {

    private static final Logger LOG = LoggerFactory.getLogger(TransactionTimeout.class);
    private static final String SETTING = "transaction.max.timeout.ms";
    private static final int MOST_MS = 3_600_000;

    /** What a broker allows by default. */
    private static final int USUAL_MS = 900_000;

    private TransactionTimeout() {}

    static int allowedBy(Admin admin) {
        try {
            Node broker = Answers.await(admin.describeCluster().nodes(), "list the brokers")
                    .iterator()
                    .next();
            ConfigResource resource = new ConfigResource(Type.BROKER, broker.idString());
            Map<ConfigResource, Config> settings =
                    Answers.await(admin.describeConfigs(List.of(resource)).all(), "read the broker's settings");
            ConfigEntry entry = settings.get(resource).get(SETTING);
            return entry == null ? USUAL_MS : Math.min(MOST_MS, Integer.parseInt(entry.value()));
        } catch (KafkaException e) {
            LOG.info("The broker does not tell {} ({}); {} is taken.", SETTING, e.getMessage(), USUAL_MS);
            return USUAL_MS;
        }
    }
}
