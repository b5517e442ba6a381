package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.operations.Slice;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Encodings under way on the steps' own stream, launched in chunks between steps: a chunk is as long as a step may be held up.
 * How long work takes is learned from the chunks before; while nothing is known, a chunk is a single piece. What is computed
 * does not depend on how it is cut. For the thread that launches steps.
 */
final class SlicedEncodings {

    private static final int WINDOW = 5;

    /** More than are queued at a time, so that none is made while GPUs wait for each other. */
    private static final int CHUNKS = 8;

    private final Stream stream;
    private final Deque<Encoding> waiting = new ArrayDeque<>();
    private final Deque<Chunk> ahead = new ArrayDeque<>();
    private final Deque<Chunk> spare = new ArrayDeque<>();
    private final RecentMedian secondsOfWork = new RecentMedian(WINDOW);

    private static final class Encoding {
        private final List<Slice> slices;
        private final Runnable launched;
        private int slice;
        private int piece;

        Encoding(List<Slice> slices, Runnable launched) {
            this.slices = slices;
            this.launched = launched;
        }

        Slice next() {
            return slices.get(slice);
        }

        boolean isLaunched() {
            return slice == slices.size();
        }

        /** Queues as many of the next slice's pieces as there is room for, at least one; returns their work. */
        double launch(double room) {
            Slice next = next();
            int count = (int) Math.max(1, Math.min(next.pieces() - piece, room / next.work()));
            next.launcher().launch(piece, count);
            piece += count;
            if (piece == next.pieces()) {
                slice++;
                piece = 0;
            }
            return count * next.work();
        }
    }

    private static final class Chunk {
        private final Event begun;
        private final Event ended;
        private double work;

        Chunk(Device device) {
            begun = device.newTimingEvent();
            ended = device.newTimingEvent();
        }
    }

    SlicedEncodings(Device device, Stream stream) {
        this.stream = stream;
        while (spare.size() < CHUNKS) {
            spare.add(new Chunk(device));
        }
    }

    /** @param launched is run once all of the encoding is queued, or when it is abandoned */
    void add(List<Slice> slices, Runnable launched) {
        waiting.add(new Encoding(slices, launched));
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** Ends the encodings that are not queued to the end. */
    void abandon() {
        for (Encoding encoding = waiting.poll(); encoding != null; encoding = waiting.poll()) {
            encoding.launched.run();
        }
    }

    /** Queues a chunk that is to take so long, of at least one piece. */
    void launch(double seconds) {
        learn();
        Chunk chunk = spare.remove();
        stream.record(chunk.begun);
        double room = seconds / secondsOfWork.orElse(Double.POSITIVE_INFINITY);
        chunk.work = 0;
        do {
            Encoding encoding = waiting.element();
            chunk.work += encoding.launch(room - chunk.work);
            if (encoding.isLaunched()) {
                encoding.launched.run();
                waiting.remove();
            }
        } while (!waiting.isEmpty() && chunk.work + waiting.element().next().work() <= room);
        stream.record(chunk.ended);
        ahead.add(chunk);
    }

    /** Waits until the device is at the last chunk or done with it. */
    void awaitLast() {
        if (ahead.size() > 1) {
            Chunk last = ahead.removeLast();
            ahead.getLast().ended.synchronize();
            ahead.add(last);
        }
    }

    private void learn() {
        while (!ahead.isEmpty() && ahead.element().ended.isDone()) {
            Chunk done = ahead.remove();
            secondsOfWork.add(done.ended.millisSince(done.begun) / 1e3 / done.work);
            spare.add(done);
        }
    }
}
