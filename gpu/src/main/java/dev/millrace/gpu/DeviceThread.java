package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** A thread bound to a device that does what comes in, in order. What fails is told and ends nothing. */
final class DeviceThread {

    private static final Runnable END = () -> {};

    private final Device device;
    private final Consumer<Throwable> failed;
    private final BooleanSupplier hasMore;
    private final Runnable more;
    private final BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
    private final Thread thread;

    DeviceThread(String name, Device device, Consumer<Throwable> failed) {
        this(name, device, failed, () -> false, END);
    }

    /**
     * @param hasMore whether there is more to do while nothing comes in; asked again whenever something did
     * @param more a part of that
     */
    DeviceThread(String name, Device device, Consumer<Throwable> failed, BooleanSupplier hasMore, Runnable more) {
        this.device = device;
        this.failed = failed;
        this.hasMore = hasMore;
        this.more = more;
        thread = new Thread(this::serve, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    void add(Runnable work) {
        queue.add(work);
    }

    /** Waits until all that came in is done, and the thread with it; whether it was interrupted meanwhile. */
    boolean end() {
        queue.add(END);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return interrupted;
    }

    /** Takes from a queue on this thread, which nobody may interrupt: that is a failure. */
    <T> T take(BlockingQueue<T> from) {
        while (true) {
            try {
                return from.take();
            } catch (InterruptedException e) {
                failed.accept(e);
            }
        }
    }

    private void serve() {
        device.bindThread();
        for (Runnable next = next(); next != END; next = next()) {
            try {
                next.run();
            } catch (RuntimeException | Error e) {
                failed.accept(e);
            }
        }
    }

    private Runnable next() {
        if (!hasMore.getAsBoolean()) {
            return take(queue);
        }
        Runnable next = queue.poll();
        return next == null ? more : next;
    }
}
