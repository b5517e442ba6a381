package dev.millrace.gateway.topic;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A thread that does the same again and again until it is closed, which waits for the round it is in. */
public final class LoopThread implements AutoCloseable {

    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    /** @param loop goes on while {@link #isOpen} */
    public LoopThread(String name, Runnable loop) {
        thread = new Thread(loop, name);
    }

    public void start() {
        thread.start();
    }

    /** Whether nobody has closed this. */
    public boolean isOpen() {
        return closed.getCount() > 0;
    }

    /** Waits, but no longer than until this is closed. */
    public void pause(Duration time) throws InterruptedException {
        closed.await(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        closed.countDown();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // told to the caller once all is done
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
