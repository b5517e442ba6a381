package dev.millrace.job;

import java.io.IOException;
import org.apache.flink.client.deployment.StandaloneClusterId;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;

/**
 * A Flink cluster that runs elsewhere. A job is submitted to it as a plan without jars: Millrace's jars must be in the
 * {@code lib/} of its JobManager and TaskManagers, where the natives are loaded once a process. The thin jar is not sent
 * along, for it holds only what Flink's own client calls to make that plan.
 */
public final class RemoteFlink {

    private RemoteFlink() {}

    /**
     * A client of the cluster's REST interface.
     *
     * @throws IOException if the address cannot be used
     */
    public static RestClusterClient<StandaloneClusterId> connect(String host, int port) throws IOException {
        Configuration settings = new Configuration();
        settings.set(RestOptions.ADDRESS, host);
        settings.set(RestOptions.PORT, port);
        try {
            return new RestClusterClient<>(settings, StandaloneClusterId.getInstance());
        } catch (Exception e) {
            throw new IOException("the Flink cluster at " + host + ":" + port + " cannot be used", e);
        }
    }
}
