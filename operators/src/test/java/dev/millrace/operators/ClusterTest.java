package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.minicluster.RpcServiceSharing;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The operator as Flink really runs it: serialised, in a task, cancelled, submitted again. */
@Timeout(120)
class ClusterTest {

    /** Otherwise clusters of all processes and users have one folder for what is uploaded. */
    @TempDir
    private static Path uploads;

    private static final ConcurrentLinkedQueue<TokenEvent> EVENTS = new ConcurrentLinkedQueue<>();

    @Test
    void aJobIsCancelledInTheMiddleAndSubmittedAgainInOneProcess() throws Exception {
        HashingExecutor.OPENED.clear();
        MiniCluster cluster = cluster();
        try {
            cluster.start();
            JobID first = cluster.submitJob(job()).get().getJobID();
            HashingExecutor executor = HashingExecutor.OPENED.take();
            executor.allow(5);
            executor.awaitComputed(5);
            cluster.cancelJob(first).get();
            assertThat(cluster.requestJobResult(first).get().getJobStatus()).hasValue(JobStatus.CANCELED);
            OperatorThreads.awaitEnd();

            EVENTS.clear();
            JobID second = cluster.submitJob(job()).get().getJobID();
            HashingExecutor.OPENED.take().allow(100_000);
            cluster.requestJobResult(second).get().toJobExecutionResult(ClusterTest.class.getClassLoader());
            Answers answers = Answers.of(new ArrayList<>(EVENTS));
            for (int i = 0; i < 20; i++) {
                assertThat(answers.tokens("r" + i)).hasSize(10 + i);
            }
            OperatorThreads.awaitEnd();
        } finally {
            cluster.close();
        }
    }

    private static MiniCluster cluster() {
        return new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(
                        Configuration.fromMap(Map.of("rest.bind-port", "0", "web.tmpdir", uploads.toString())))
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(1)
                .setRpcServiceSharing(RpcServiceSharing.SHARED)
                .build());
    }

    private static JobGraph job() {
        List<InboundPrompt> prompts = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            prompts.add(Requests.inbound(Requests.prompt("r" + i, "Describe picture " + i, 10 + i)));
        }
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1).enableCheckpointing(100);
        env.fromData(prompts, new AvroTypeInfo<>(InboundPrompt.class))
                .transform(
                        "inference",
                        new AvroTypeInfo<>(TokenEvent.class),
                        new InferenceOperatorFactory(
                                OperatorFixture.config(QueueLimits.DEFAULT), new HashingExecutor.Factory()))
                .sinkTo(new Collecting());
        return env.getStreamGraph().getJobGraph();
    }

    /** Keeps what comes. */
    private static final class Collecting implements Sink<TokenEvent> {
        @Override
        public SinkWriter<TokenEvent> createWriter(WriterInitContext context) {
            return new SinkWriter<>() {
                @Override
                public void write(TokenEvent event, Context ignored) {
                    EVENTS.add(event);
                }

                @Override
                public void flush(boolean endOfInput) {}

                @Override
                public void close() {}
            };
        }
    }
}
