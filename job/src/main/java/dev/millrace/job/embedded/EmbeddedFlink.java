package dev.millrace.job.embedded;

import dev.millrace.job.RetainedCheckpoints;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.flink.client.program.ClusterClient;
import org.apache.flink.client.program.MiniClusterClient;
import org.apache.flink.configuration.BlobServerOptions;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.minicluster.RpcServiceSharing;

/** A Flink cluster with its dashboard inside this JVM, on the loopback interface. */
public final class EmbeddedFlink implements AutoCloseable {

    private static final String LOOPBACK = "127.0.0.1";

    private final MiniCluster cluster;
    private final Configuration settings;
    private final ScratchDir scratch;

    /** A task manager's number is never used again. */
    private int taskManager;

    private EmbeddedFlink(MiniCluster cluster, Configuration settings, ScratchDir scratch) {
        this.cluster = cluster;
        this.settings = settings;
        this.scratch = scratch;
    }

    /**
     * Starts a cluster with one task manager and returns when it takes jobs.
     *
     * @param dir its folder: {@code checkpoints} is kept, {@code tmp} is swept
     * @param slots the parallelism it has room for
     * @param more further settings of Flink; without {@code rest.port} the dashboard has a free one
     * @throws IOException if another cluster runs on the same folder, or a port is taken
     */
    public static EmbeddedFlink start(Path dir, int slots, Map<String, String> more) throws IOException {
        ScratchDir scratch = ScratchDir.claim(dir.resolve("tmp"));
        Configuration settings = settings(dir, scratch.path());
        more.forEach(settings::setString);
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(settings)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(slots)
                .setRpcServiceSharing(RpcServiceSharing.SHARED)
                .build());
        try {
            cluster.start();
        } catch (Exception e) {
            scratch.close();
            throw new IOException(
                    "Flink does not start in " + dir + ": " + RootCause.of(e).getMessage(), e);
        }
        return new EmbeddedFlink(cluster, settings, scratch);
    }

    /** Address of the dashboard and the REST interface. */
    public URI dashboard() {
        return cluster.getRestAddress().join();
    }

    /** For submitting and watching jobs. */
    public ClusterClient<?> client() {
        return new MiniClusterClient(settings, cluster);
    }

    /** Ends the task manager as a crash would; jobs restart from their last checkpoint on a new one. */
    public void replaceTaskManager() throws Exception {
        cluster.terminateTaskManager(taskManager++).get();
        cluster.startTaskManager();
    }

    @Override
    public void close() throws IOException {
        try {
            cluster.closeAsync().get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while Flink was closing", e);
        } catch (ExecutionException e) {
            throw new IOException("Flink did not close", e.getCause());
        } finally {
            scratch.close();
        }
    }

    private static Configuration settings(Path dir, Path tmp) {
        Configuration settings = new Configuration();
        settings.set(RestOptions.ADDRESS, LOOPBACK);
        settings.set(RestOptions.BIND_ADDRESS, LOOPBACK);
        settings.set(RestOptions.PORT, 0);
        settings.set(JobManagerOptions.ADDRESS, LOOPBACK);
        settings.set(JobManagerOptions.BIND_HOST, LOOPBACK);
        settings.set(TaskManagerOptions.HOST, LOOPBACK);
        settings.set(TaskManagerOptions.BIND_HOST, LOOPBACK);
        settings.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(16));
        settings.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(16));
        settings.set(CoreOptions.TMP_DIRS, tmp.toString());
        settings.set(WebOptions.TMP_DIR, tmp.toString());
        settings.set(WebOptions.SUBMIT_ENABLE, false);
        settings.set(BlobServerOptions.STORAGE_DIRECTORY, tmp.toString());
        settings.set(MetricOptions.METRIC_FETCHER_UPDATE_INTERVAL, Duration.ofSeconds(1));
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, RetainedCheckpoints.uri(dir.resolve("checkpoints")));
        return settings;
    }
}
