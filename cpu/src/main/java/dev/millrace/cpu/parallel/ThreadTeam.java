package dev.millrace.cpu.parallel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of threads that share loops. The calling thread is worker 0 and takes part. Workers spin for some
 * microseconds after a loop, because a step is a row of short loops, and then sleep. Whoever comes first takes the next
 * share, and the caller never waits for a worker that has taken none: one that the system holds back costs nothing.
 */
public final class ThreadTeam implements AutoCloseable {

    /** A loop's body. */
    @FunctionalInterface
    public interface Body {

        /** Does items {@code from} to {@code to}; {@code worker} tells which scratch memory is its own. */
        void run(int worker, int from, int to);
    }

    private static final int SPINS = 2_000;
    private static final int SHARES_PER_THREAD = 4;

    private final int size;
    private final Worker[] workers;
    private volatile Loop current = new Loop(null, 0, 1, null);
    private volatile boolean closed;

    public ThreadTeam(int size) {
        if (size < 1) {
            throw new IllegalArgumentException("threads: " + size + ", allowed are 1 and more");
        }
        this.size = size;
        workers = new Worker[size - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].start();
        }
    }

    /** Threads that compute, the caller included. */
    public int size() {
        return size;
    }

    /**
     * Runs {@code items} items and returns when all are done; one caller at a time. Throws what a body threw.
     *
     * @param grain items that a share holds at least; loops of less than two shares are the caller's alone
     */
    public void run(int items, int grain, Body body) {
        if (items == 0) {
            return;
        }
        if (items < 2L * grain || size == 1) {
            body.run(0, 0, items);
            return;
        }
        int share = Math.max(grain, (items - 1) / (size * SHARES_PER_THREAD) + 1);
        Loop loop = new Loop(body, items, share, Thread.currentThread());
        current = loop;
        for (Worker worker : workers) {
            worker.wake();
        }
        loop.work(0);
        loop.await();
    }

    @Override
    public void close() {
        closed = true;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
        }
        boolean interrupted = false;
        for (Worker worker : workers) {
            while (worker.isAlive()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** One loop, never used again, so that a late worker finds nothing left in it. */
    private static final class Loop {

        private final Body body;
        private final int items;
        private final int share;
        private final Thread caller;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private volatile Throwable failure;

        Loop(Body body, int items, int share, Thread caller) {
            this.body = body;
            this.items = items;
            this.share = share;
            this.caller = caller;
        }

        void work(int worker) {
            while (next.get() < items) {
                int from = next.getAndAdd(share);
                if (from >= items) {
                    return;
                }
                int to = Math.min(items, from + share);
                try {
                    body.run(worker, from, to);
                } catch (Throwable t) {
                    failure = t;
                }
                if (done.addAndGet(to - from) == items && worker != 0) {
                    LockSupport.unpark(caller);
                }
            }
        }

        void await() {
            for (int spins = 0; done.get() < items; spins++) {
                if (spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
            if (failure instanceof Error e) {
                throw e;
            }
            if (failure != null) {
                throw (RuntimeException) failure;
            }
        }
    }

    private final class Worker extends Thread {

        private final int index;
        private volatile boolean asleep;

        Worker(int index) {
            super("millrace-compute-" + index);
            this.index = index;
            setDaemon(true);
        }

        void wake() {
            if (asleep) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            Loop last = current;
            while (!closed) {
                Loop loop = awaitOther(last);
                loop.work(index);
                last = loop;
            }
        }

        private Loop awaitOther(Loop last) {
            for (int spins = 0; spins < SPINS; spins++) {
                if (current != last) {
                    return current;
                }
                Thread.onSpinWait();
            }
            asleep = true;
            while (current == last && !closed) {
                LockSupport.park(this);
            }
            asleep = false;
            return current;
        }
    }
}
