package dev.millrace.job.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Free ports of the loopback interface. */
final class Ports {

    /** Ports to try one after the other. */
    interface Choice {
        int next() throws IOException;
    }

    private Ports() {}

    /** The port asked for, or a free one for 0. */
    static int orFree(int port) throws IOException {
        if (port != 0) {
            return port;
        }
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
