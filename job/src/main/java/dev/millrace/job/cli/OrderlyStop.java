package dev.millrace.job.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets a process that is told to stop (Ctrl-C, SIGTERM) close what it opened before it ends. */
final class OrderlyStop implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(OrderlyStop.class);
    private static final Duration USUAL = Duration.ofSeconds(10);

    private volatile Runnable stop = () -> {};
    private final CountDownLatch closed = new CountDownLatch(1);

    private final Duration patience;

    OrderlyStop() {
        this(USUAL);
    }

    /** @param patience how long the process waits for the work to end */
    OrderlyStop(Duration patience) {
        this.patience = patience;
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
            if (!closed.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("Not everything was closed within {} s", patience.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
