package dev.millrace.job.cli;

import dev.millrace.job.RetainedCheckpoints;
import dev.millrace.job.embedded.EmbeddedFlink;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.ClusterClient;
import org.apache.flink.runtime.client.JobStatusMessage;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.util.SerializedThrowable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job in a cluster, in this process or elsewhere. */
final class SubmittedJob {

    private static final Logger LOG = LoggerFactory.getLogger(SubmittedJob.class);

    private static final long POLL_MILLIS = 50;

    private final ClusterClient<?> client;
    private final JobID id;
    private volatile boolean cancelledHere;

    private SubmittedJob(ClusterClient<?> client, JobID id) {
        this.client = client;
        this.id = id;
    }

    /**
     * Submits a job to a cluster inside this process, where it goes on from the latest checkpoint.
     *
     * @param checkpoints folder that its checkpoints are kept in
     * @param graph the job, given the checkpoint to go on from, or null
     * @throws dev.millrace.model.InvalidInputException if that checkpoint is damaged
     */
    static SubmittedJob submit(EmbeddedFlink cluster, Path checkpoints, Function<String, JobGraph> graph)
            throws IOException, InterruptedException, ExecutionException {
        Optional<Path> latest = RetainedCheckpoints.latest(checkpoints);
        latest.ifPresent(checkpoint -> {
            RetainedCheckpoints.check(checkpoint);
            LOG.info("Going on from checkpoint {}", checkpoint);
        });
        String restored = latest.map(RetainedCheckpoints::uri).orElse(null);
        ClusterClient<?> client = cluster.client();
        JobID id = client.submitJob(graph.apply(restored)).get();
        LOG.info("Job {} runs; the dashboard is at {}", id, cluster.dashboard());
        return new SubmittedJob(client, id);
    }

    /**
     * The job of that name in a cluster elsewhere, submitted if none runs.
     *
     * @param graph the job
     */
    static SubmittedJob find(ClusterClient<?> client, String name, Supplier<JobGraph> graph) throws Exception {
        for (JobStatusMessage job : client.listJobs().get()) {
            if (job.getJobName().equals(name) && !job.getJobState().isTerminalState()) {
                LOG.info("Job {} of the cluster at {} is this one", job.getJobId(), client.getWebInterfaceURL());
                return new SubmittedJob(client, job.getJobId());
            }
        }
        JobID id = client.submitJob(graph.get()).get();
        LOG.info("Submitted job {} to {}", id, client.getWebInterfaceURL());
        return new SubmittedJob(client, id);
    }

    /** Ends the job, which keeps its last checkpoint. */
    void cancel() {
        cancelledHere = true;
        client.cancel(id);
    }

    /** Waits until the condition holds or the job has ended; whether the condition holds. */
    boolean awaitThat(BooleanSupplier condition) throws InterruptedException {
        var ended = new CountDownLatch(1);
        client.requestJobResult(id).whenComplete((result, failure) -> ended.countDown());
        boolean holds = condition.getAsBoolean();
        while (!holds && !ended.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            holds = condition.getAsBoolean();
        }
        return holds;
    }

    /** Waits for the job's end; whether that was a good one. */
    boolean awaitEnd() throws InterruptedException, ExecutionException {
        JobResult result = client.requestJobResult(id).get();
        result.getSerializedThrowable().ifPresent(failure -> LOG.error("The job ended: {}", reason(failure)));
        if (result.getJobStatus().orElse(null) == JobStatus.CANCELED && !cancelledHere) {
            LOG.error("The job ended: it was cancelled, by its dashboard or Flink's REST interface");
        }
        return result.isSuccess();
    }

    /** What the outermost failure says that is not Flink's own or a mere wrapping; Flink's say who noticed. */
    static String reason(Throwable failure) {
        Throwable reason = failure;
        while (reason.getCause() != null && (className(reason).startsWith("org.apache.flink.") || isWrapping(reason))) {
            reason = reason.getCause();
        }
        return reason.getMessage() == null ? className(reason) : reason.getMessage();
    }

    private static boolean isWrapping(Throwable failure) {
        return className(failure).equals(CompletionException.class.getName())
                || className(failure).equals(ExecutionException.class.getName());
    }

    private static String className(Throwable failure) {
        return failure instanceof SerializedThrowable serialized
                ? serialized.getOriginalErrorClassName()
                : failure.getClass().getName();
    }
}
