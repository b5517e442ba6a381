package dev.millrace.job.cli;

import dev.millrace.job.RetainedCheckpoints;
import dev.millrace.job.embedded.EmbeddedFlink;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.apache.flink.api.common.JobID;
import org.apache.flink.client.program.ClusterClient;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.util.SerializedThrowable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job in a cluster inside this process, which goes on from the latest checkpoint. */
final class LocalJob {

    private static final Logger LOG = LoggerFactory.getLogger(LocalJob.class);

    private final ClusterClient<?> client;
    private final JobID id;

    private LocalJob(ClusterClient<?> client, JobID id) {
        this.client = client;
        this.id = id;
    }

    /**
     * Submits the job.
     *
     * @param checkpoints folder that its checkpoints are kept in
     * @param graph the job, given the checkpoint to go on from, or null
     */
    static LocalJob submit(EmbeddedFlink cluster, Path checkpoints, Function<String, JobGraph> graph)
            throws IOException, InterruptedException, ExecutionException {
        Optional<Path> latest = RetainedCheckpoints.latest(checkpoints);
        latest.ifPresent(checkpoint -> LOG.info("Going on from checkpoint {}", checkpoint));
        String restored =
                latest.map(checkpoint -> checkpoint.toUri().toString()).orElse(null);
        ClusterClient<?> client = cluster.client();
        JobID id = client.submitJob(graph.apply(restored)).get();
        LOG.info("Job {} runs; the dashboard is at {}", id, cluster.dashboard());
        return new LocalJob(client, id);
    }

    /** Ends the job, which keeps its last checkpoint. */
    void cancel() {
        client.cancel(id);
    }

    /** Waits for the job's end; whether that was a good one. */
    boolean awaitEnd() throws InterruptedException, ExecutionException {
        JobResult result = client.requestJobResult(id).get();
        result.getSerializedThrowable().ifPresent(failure -> LOG.error("The job ended: {}", reason(failure)));
        return result.isSuccess();
    }

    /** What the outermost failure says that is not Flink's own; Flink's say who noticed. */
    static String reason(Throwable failure) {
        Throwable reason = failure;
        while (reason.getCause() != null && className(reason).startsWith("org.apache.flink.")) {
            reason = reason.getCause();
        }
        return reason.getMessage() == null ? className(reason) : reason.getMessage();
    }

    private static String className(Throwable failure) {
        return failure instanceof SerializedThrowable serialized
                ? serialized.getOriginalErrorClassName()
                : failure.getClass().getName();
    }
}
