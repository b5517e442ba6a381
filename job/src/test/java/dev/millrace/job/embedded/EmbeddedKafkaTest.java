package dev.millrace.job.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.job.LocalStack;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.Topics;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaTest {

    @Test
    void recordsOutliveARestartOnTheSameFolder(@TempDir Path dir) throws Exception {
        TopicPartition written;
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir, 0)) {
            assertThat(kafka.bootstrapServers()).startsWith("127.0.0.1:");
            KafkaConfig config = KafkaConfig.of(kafka.bootstrapServers());
            try (PromptProducer producer = new PromptProducer(config, LocalStack.prepare(config))) {
                var metadata = producer.send(PromptRequest.newBuilder()
                                .setRequestId("r")
                                .setPrompt("a")
                                .setSampling(SamplingOptions.newBuilder().build())
                                .build())
                        .get();
                written = new TopicPartition(metadata.topic(), metadata.partition());
            }
        }
        try (EmbeddedKafka again = EmbeddedKafka.start(dir, 0)) {
            Properties properties = new Properties();
            properties.put("bootstrap.servers", again.bootstrapServers());
            try (Admin admin = Admin.create(properties);
                    Topics topics = new Topics(KafkaConfig.of(again.bootstrapServers()))) {
                topics.prepare();
                assertThat(admin.listOffsets(Map.of(written, OffsetSpec.latest()))
                                .partitionResult(written)
                                .get()
                                .offset())
                        .isEqualTo(1);
            }
        }
    }

    @Test
    void aPortThatIsTakenMeanwhileIsNotTheEnd(@TempDir Path dir) throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Iterator<Integer> ports =
                    List.of(taken.getLocalPort(), Ports.orFree(0)).iterator();
            try (EmbeddedKafka kafka = EmbeddedKafka.start(dir, ports::next, Map.of())) {
                KafkaConfig config = KafkaConfig.of(kafka.bootstrapServers());
                assertThat(LocalStack.prepare(config).promptBytes()).isPositive();
            }
        }
    }

    @Test
    void whatKeepsItFromStartingIsSaid(@TempDir Path dir) throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> EmbeddedKafka.start(dir, taken.getLocalPort()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(dir.toString())
                    .hasMessageContaining("Address already in use");
        }
    }

    @Test
    void anInterruptedThreadClosesItInOrder(@TempDir Path dir) throws Exception {
        EmbeddedKafka kafka = EmbeddedKafka.start(dir, 0);
        Thread.currentThread().interrupt();
        kafka.close();
        assertThat(Thread.interrupted()).as("told to the caller").isTrue();
        assertThat(dir.resolve(".kafka_cleanshutdown")).exists();
    }
}
