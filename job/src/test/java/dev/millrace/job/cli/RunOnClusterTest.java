package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.embedded.EmbeddedKafka;
import java.nio.file.Path;
import java.util.Map;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.ClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.client.JobStatusMessage;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.test.junit5.InjectClusterClient;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class RunOnClusterTest {

    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(1)
            .build());

    @TempDir
    Path folder;

    @Test
    @Timeout(300)
    void theJobIsSubmittedOverRestAndAnswersInTheCluster(@InjectClusterClient ClusterClient<?> client)
            throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0)) {
            assertThat(submit(kafka.bootstrapServers())).isZero();

            assertThat(RunTest.ask(kafka.bootstrapServers(), Map.of())).startsWith("I am a tiny demonstration model.");
            assertThat(client.listJobs().get())
                    .extracting(JobStatusMessage::getJobName)
                    .containsExactly("millrace demo-vl");
            for (JobStatusMessage job : client.listJobs().get()) {
                client.cancel(job.getJobId()).get();
                assertThat(client.requestJobResult(job.getJobId()).get().getJobStatus())
                        .hasValue(JobStatus.CANCELED);
            }
        }
    }

    private int submit(String bootstrapServers) {
        Configuration cluster = CLUSTER.getClientConfiguration();
        return Main.commandLine()
                .execute(
                        "run",
                        "--jobmanager=" + cluster.get(RestOptions.ADDRESS) + ":" + cluster.get(RestOptions.PORT),
                        "--bootstrap-servers=" + bootstrapServers,
                        "--model=" + RunTest.model(),
                        "--prompt-topic=questions",
                        "--token-topic=answers",
                        "--dead-letter-topic=unread",
                        "--format=json",
                        "--checkpoint-interval=200ms",
                        "--checkpoint-dir=" + folder.resolve("checkpoints").toUri(),
                        "--kv-cache-memory-bytes=64MiB");
    }
}
