package dev.millrace.job.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets a process that is told to stop (Ctrl-C, SIGTERM) close what it opened before it ends. */
final class OrderlyStop implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(OrderlyStop.class);
    private static final int PATIENCE_SECONDS = 10;

    private volatile Runnable stop = () -> {};
    private final CountDownLatch closed = new CountDownLatch(1);

    OrderlyStop() {
        Runtime.getRuntime().addShutdownHook(new Thread(this::await, "millrace-stop"));
    }

    /** From now on this makes the work end; it is called on another thread. */
    void by(Runnable action) {
        stop = action;
    }

    /** Everything is closed: the process may end. */
    @Override
    public void close() {
        closed.countDown();
    }

    private void await() {
        if (closed.getCount() == 0) {
            return;
        }
        stop.run();
        try {
            if (!closed.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("Not everything was closed within {} s", PATIENCE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
