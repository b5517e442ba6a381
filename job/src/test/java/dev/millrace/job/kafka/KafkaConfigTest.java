package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.junit.jupiter.api.Test;

class KafkaConfigTest {

    @Test
    void aTokenWaitsForOthersOnlyIfTheUserSaysSo() {
        KafkaConfig config = KafkaConfig.of("localhost:9092");
        assertThat(config.producerProperties())
                .containsEntry("linger.ms", "0")
                .containsEntry("bootstrap.servers", "localhost:9092");
        KafkaConfig patient = new KafkaConfig(
                "localhost:9092",
                "prompts",
                "tokens",
                null,
                "group",
                RecordFormat.AVRO,
                DeliveryGuarantee.EXACTLY_ONCE,
                false,
                Map.of("linger.ms", "20"));
        assertThat(patient.producerProperties()).containsEntry("linger.ms", "20");
        assertThat(config.properties()).doesNotContainKey("linger.ms");
    }
}
