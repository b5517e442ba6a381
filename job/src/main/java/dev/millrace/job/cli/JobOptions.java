package dev.millrace.job.cli;

import dev.millrace.job.RetainedCheckpoints;
import dev.millrace.model.InvalidInputException;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.flink.connector.base.DeliveryGuarantee;
import picocli.CommandLine.Option;

/** How the Flink job runs. */
final class JobOptions {

    private static final Pattern SCHEME = Pattern.compile("[a-z][a-z0-9+.-]*:");

    @Option(
            names = "--delivery-guarantee",
            paramLabel = "GUARANTEE",
            description = "exactly-once (tokens become visible to read-committed consumers with each checkpoint) or"
                    + " at-least-once (default: exactly-once).",
            converter = Guarantee.class)
    DeliveryGuarantee deliveryGuarantee = DeliveryGuarantee.EXACTLY_ONCE;

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "TIME",
            converter = Interval.class,
            description = "Time between checkpoints, such as 500ms or 1s: the latency of read-committed consumers"
                    + " (default: 1s).")
    Duration checkpointInterval = Duration.ofSeconds(1);

    @Option(
            names = "--checkpoint-dir",
            paramLabel = "URI",
            description =
                    "Where checkpoints are kept, a folder or, for a job elsewhere, any URI that Flink knows; a job in this"
                            + " process goes on from the latest one, and deletes it when its own are complete (default:"
                            + " with what else the command keeps; with --jobmanager the cluster's own setting).")
    private String checkpointDir;

    @Option(
            names = {"--parallelism", "--data-parallel-size", "-dp"},
            paramLabel = "N",
            converter = IntegerFrom.One.class,
            description =
                    "Subtasks of the inference operator, each with its own copy of the model, between which the topic's"
                            + " partitions are shared out (default: ${DEFAULT-VALUE}).")
    int parallelism = 1;

    @Option(
            names = "--jobmanager",
            paramLabel = "HOST:PORT",
            converter = HostPort.class,
            description = "REST address of the Flink cluster to submit to (default: a MiniCluster in this process).")
    HostPort.Address jobManager;

    @Option(
            names = "-D",
            paramLabel = "KEY=VALUE",
            description =
                    "A setting of Flink for the MiniCluster, such as rest.port=8081 or those of a metrics reporter.")
    private Map<String, String> flinkSettings = new LinkedHashMap<>();

    @Option(
            names = "--max-queued-requests",
            paramLabel = "N",
            converter = IntegerFrom.One.class,
            description = "Unfinished requests at which a subtask stops reading (default: ${DEFAULT-VALUE}).")
    private int maxQueuedRequests = QueueLimits.DEFAULT.requests();

    @Option(
            names = "--max-queued-bytes",
            paramLabel = "BYTES",
            converter = ByteSize.class,
            description = "Media bytes of unfinished requests at which a subtask stops reading (default: 256MiB).")
    private long maxQueuedBytes = QueueLimits.DEFAULT.bytes();

    @Option(
            names = "--disable-log-stats",
            negatable = true,
            description = "Logs no line of figures every ten seconds; metrics stay.")
    boolean disableLogStats;

    /**
     * What was set of Flink.
     *
     * @throws InvalidInputException if it has no effect, the cluster being elsewhere
     */
    Map<String, String> flinkSettings() {
        if (jobManager != null && !flinkSettings.isEmpty()) {
            throw new InvalidInputException(
                    "-D sets nothing in the cluster that --jobmanager names; give "
                            + String.join(", ", flinkSettings.keySet()) + " in that cluster's configuration",
                    "-D");
        }
        return flinkSettings;
    }

    /**
     * Nothing, for Flink's own client says how and where.
     *
     * @throws InvalidInputException if something was set here
     */
    Map<String, String> noFlinkSettings() {
        if (jobManager != null || !flinkSettings.isEmpty()) {
            throw new InvalidInputException(
                    "--jobmanager and -D mean nothing to a job that 'flink run' submits; give them to it, before the jar:"
                            + " flink run --jobmanager HOST:PORT -DKEY=VALUE JAR run …",
                    "--jobmanager");
        }
        return flinkSettings;
    }

    /** URI of the folder of checkpoints, or null. */
    String checkpointUri() {
        return localCheckpoints().map(RetainedCheckpoints::uri).orElse(checkpointDir);
    }

    /** The folder of checkpoints, where one of this machine was named. */
    Optional<Path> localCheckpoints() {
        if (checkpointDir == null) {
            return Optional.empty();
        }
        if (checkpointDir.startsWith("file:")) {
            return Optional.of(Path.of(new org.apache.flink.core.fs.Path(checkpointDir).getPath()));
        }
        return SCHEME.matcher(checkpointDir).lookingAt()
                ? Optional.empty()
                : Optional.of(Path.of(checkpointDir).toAbsolutePath());
    }

    /**
     * The folder of checkpoints for a job in this process, which looks there for the latest one.
     *
     * @param usual the one to take where none was named
     * @throws InvalidInputException if one was named that is not on this machine
     */
    Path checkpointsHere(Path usual) {
        Optional<Path> local = localCheckpoints();
        if (checkpointDir != null && local.isEmpty()) {
            throw new InvalidInputException(
                    "--checkpoint-dir " + checkpointDir
                            + ": a job in this process goes on from a folder of this machine;"
                            + " give its path or file: URI, or with --jobmanager a cluster that knows this one",
                    "--checkpoint-dir");
        }
        return local.orElse(usual);
    }

    QueueLimits queueLimits() {
        return new QueueLimits(
                maxQueuedRequests,
                maxQueuedBytes,
                QueueLimits.DEFAULT.preparationThreads(),
                QueueLimits.DEFAULT.preparedBytes());
    }
}
