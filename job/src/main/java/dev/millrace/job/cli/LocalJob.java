package dev.millrace.job.cli;

import dev.millrace.job.RetainedCheckpoints;
import dev.millrace.job.embedded.EmbeddedFlink;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
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

/** Runs a job in a cluster inside this process until it ends or the process is stopped; goes on from the latest checkpoint. */
final class LocalJob {

    private static final Logger LOG = LoggerFactory.getLogger(LocalJob.class);

    private LocalJob() {}

    /**
     * @param folder the cluster's folder
     * @param checkpoints where the job's checkpoints are kept, if that is a folder here
     * @param settings of Flink, besides those that the cluster chooses
     * @param graph the job, given the checkpoint to go on from, or null
     * @return whether the job ended well
     */
    static boolean run(
            Path folder,
            Optional<Path> checkpoints,
            int slots,
            Map<String, String> settings,
            Function<String, JobGraph> graph)
            throws IOException, InterruptedException, ExecutionException {
        try (var stop = new OrderlyStop();
                EmbeddedFlink flink = EmbeddedFlink.start(folder, slots, 0, settings)) {
            String restored = latest(checkpoints.orElse(folder.resolve("checkpoints")));
            ClusterClient<?> client = flink.client();
            JobID job = client.submitJob(graph.apply(restored)).get();
            stop.by(() -> client.cancel(job)); // keeps its last checkpoint
            LOG.info("Job {} runs; the dashboard is at {}", job, flink.dashboard());
            JobResult result = client.requestJobResult(job).get();
            result.getSerializedThrowable().ifPresent(failure -> LOG.error("The job ended: {}", reason(failure)));
            return result.isSuccess();
        }
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

    private static String latest(Path checkpoints) throws IOException {
        Optional<Path> latest = RetainedCheckpoints.latest(checkpoints);
        latest.ifPresent(checkpoint -> LOG.info("Going on from checkpoint {}", checkpoint));
        return latest.map(checkpoint -> checkpoint.toUri().toString()).orElse(null);
    }
}
