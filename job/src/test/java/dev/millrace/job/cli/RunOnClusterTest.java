package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.embedded.EmbeddedKafka;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.cli.CliFrontend;
import org.apache.flink.client.cli.DefaultCLI;
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

    /** Otherwise clusters of all processes and users have one folder for what is uploaded. */
    private static final String UPLOADS =
            Path.of(System.getProperty("millrace.root"), "job", "target").toString();

    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setConfiguration(Configuration.fromMap(Map.of("web.tmpdir", UPLOADS)))
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(1)
            .build());

    @TempDir
    Path folder;

    /** Both ways of submitting it, again and again in one process: what a job leaves behind must not harm the next. */
    @Test
    @Timeout(600)
    void theJobIsSubmittedByMillraceAndByFlinksClientAndAnswersInTheCluster(
            @InjectClusterClient ClusterClient<?> client) throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0)) {
            List<String> flags = flags(kafka.bootstrapServers());

            assertThat(Main.commandLine().execute(line("run", "--jobmanager=" + restAddress(), flags)))
                    .isZero();
            assertThatItAnswersThenCancel(kafka, client, "from millrace");
            for (String id : List.of("from the thin jar", "from the thin jar again")) {
                assertThat(flink("--jobmanager=" + restAddress(), flags)).isZero();
                assertThatItAnswersThenCancel(kafka, client, id);
            }
        }
    }

    @Test
    @Timeout(600)
    void aServerLeavesItsJobInTheClusterAndFindsItThereAgain(@InjectClusterClient ClusterClient<?> client)
            throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0)) {
            List<JobID> first = serveUntilItIsReady(kafka, client);
            List<JobID> second = serveUntilItIsReady(kafka, client);

            assertThat(second).hasSize(1).isEqualTo(first);
            assertThat(RunTest.ask(kafka.bootstrapServers(), Map.of(), "of a server"))
                    .startsWith("I am a tiny demonstration model.");
            client.cancel(first.get(0)).get();
            client.requestJobResult(first.get(0)).get();
        }
    }

    /** The jobs that run in the cluster when a server is ready and was stopped. */
    private List<JobID> serveUntilItIsReady(EmbeddedKafka kafka, ClusterClient<?> client) throws Exception {
        var pipe = new PipedWriter();
        try (var out = new BufferedReader(new PipedReader(pipe))) {
            List<String> flags = flags(kafka.bootstrapServers()).stream()
                    .filter(flag -> !flag.startsWith("--model"))
                    .toList();
            var serving = new Thread(() -> Main.commandLine()
                    .setOut(new PrintWriter(pipe, true))
                    .execute(line("serve", RunTest.model(), "--port=0", "--jobmanager=" + restAddress(), flags)));
            serving.start();
            assertThat(out.readLine()).isEqualTo("Application startup complete.");
            for (String fact : List.of("API", "Dashboard", "Topics")) {
                assertThat(out.readLine()).contains(fact);
            }
            serving.interrupt();
            serving.join();
        }
        return client.listJobs().get().stream()
                .filter(job -> !job.getJobState().isGloballyTerminalState())
                .map(JobStatusMessage::getJobId)
                .toList();
    }

    @Test
    void theThinJarHoldsNothingButItsEntryPoint() throws IOException {
        try (JarFile jar = new JarFile(thinJar())) {
            assertThat(jar.stream().filter(entry -> !entry.isDirectory()).map(JarEntry::getName))
                    .containsExactlyInAnyOrder(JarFile.MANIFEST_NAME, "dev/millrace/job/submit/FlinkProgram.class");
        }
    }

    private static void assertThatItAnswersThenCancel(EmbeddedKafka kafka, ClusterClient<?> client, String id)
            throws Exception {
        assertThat(RunTest.ask(kafka.bootstrapServers(), Map.of(), id)).startsWith("I am a tiny demonstration model.");
        List<JobStatusMessage> running = client.listJobs().get().stream()
                .filter(job -> !job.getJobState().isGloballyTerminalState())
                .toList();
        assertThat(running).extracting(JobStatusMessage::getJobName).containsExactly("millrace demo-vl");
        for (JobStatusMessage job : running) {
            client.cancel(job.getJobId()).get();
            assertThat(client.requestJobResult(job.getJobId()).get().getJobStatus())
                    .hasValue(JobStatus.CANCELED);
        }
    }

    /** What {@code flink run -d} does. */
    private static int flink(String target, List<String> flags) {
        var client = new CliFrontend(new Configuration(), List.of(new DefaultCLI()));
        return client.parseAndRun(line("run", "-d", target, thinJar(), "run", flags));
    }

    private static String[] line(Object... parts) {
        return Stream.of(parts)
                .flatMap(part -> part instanceof List<?> list ? list.stream() : Stream.of(part))
                .toArray(String[]::new);
    }

    private static String restAddress() {
        Configuration cluster = CLUSTER.getClientConfiguration();
        return cluster.get(RestOptions.ADDRESS) + ":" + cluster.get(RestOptions.PORT);
    }

    private static String thinJar() {
        Path folder = Path.of(System.getProperty("millrace.root"), "job", "target", "thin");
        String[] jars = folder.toFile().list((dir, name) -> name.endsWith(".jar"));
        assertThat(jars).as("jars in " + folder).hasSize(1);
        return folder.resolve(jars[0]).toString();
    }

    private List<String> flags(String bootstrapServers) {
        return List.of(
                "--bootstrap-servers=" + bootstrapServers,
                "--model=" + RunTest.model(),
                "--prompt-topic=questions",
                "--token-topic=answers",
                "--dead-letter-topic=unread",
                "--format=json",
                "--checkpoint-interval=200ms",
                "--checkpoint-dir=" + folder.resolve("check points"),
                "--kv-cache-memory-bytes=64MiB");
    }
}
