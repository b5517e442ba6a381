package dev.millrace.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.ClusterClient;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;

/** A job on the shared cluster; cancelled when closed. */
final class RunningJob implements AutoCloseable {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final LocalStack stack;
    private final ClusterClient<?> client;
    private final JobID id;

    RunningJob(
            LocalStack stack,
            JobConfig config,
            TopicLimits limits,
            OneInputStreamOperatorFactory<InboundPrompt, TokenEvent> operator)
            throws Exception {
        this.stack = stack;
        client = stack.flink().client();
        id = client.submitJob(InferenceJob.build(config, limits, operator)).get();
    }

    JobID id() {
        return id;
    }

    /** Waits for a bounded job. */
    void awaitEnd() throws Exception {
        client.requestJobResult(id)
                .get(8, TimeUnit.MINUTES)
                .toJobExecutionResult(getClass().getClassLoader());
    }

    /** What the dashboard knows of this job. */
    JsonNode rest(String path) throws IOException {
        URL address = stack.flink().dashboard().resolve("/jobs/" + id + path).toURL();
        try (InputStream answer = address.openStream()) {
            return MAPPER.readTree(answer);
        }
    }

    /** Waits until that number of the dashboard's is positive; it is some seconds behind. */
    void await(String path, String pointer) throws IOException {
        while (rest(path).at(pointer).asInt() == 0) {
            LockSupport.parkNanos(10_000_000);
        }
    }

    /** Cancels the job if it still runs, and waits for its end. */
    void cancel() {
        JobStatus status = client.getJobStatus(id).join();
        if (!status.isGloballyTerminalState()) {
            client.cancel(id).join();
            client.requestJobResult(id).orTimeout(8, TimeUnit.MINUTES).join();
        }
    }

    @Override
    public void close() {
        cancel();
    }
}
