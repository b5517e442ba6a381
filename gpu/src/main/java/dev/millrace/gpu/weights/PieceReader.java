package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.Convert;
import dev.millrace.model.checkpoint.Tensor;
import java.nio.ByteBuffer;

/** Copies pieces of tensors to the device, one while the other is still on the bus. For one thread. */
final class PieceReader implements AutoCloseable {

    private static final int BUFFERS = 2;

    private final Convert convert;
    private final Stream stream;
    private final PinnedBuffer[] pinned = new PinnedBuffer[BUFFERS];
    private final ByteBuffer[] views = new ByteBuffer[BUFFERS];
    private final Event[] free = new Event[BUFFERS];
    private final DeviceBuffer staging;
    private int next;

    PieceReader(Device device, Convert convert, int pieceBytes) {
        this.convert = convert;
        stream = device.newStream();
        staging = device.allocate(pieceBytes, "staging of weights");
        for (int i = 0; i < BUFFERS; i++) {
            pinned[i] = device.allocatePinned(pieceBytes, "staging of weights");
            views[i] = pinned[i].bytes();
            free[i] = device.newEvent();
        }
    }

    /** Some rows of a tensor, or some of their columns. */
    record Window(int firstRow, int rows, Span columns) {

        /** Bytes of the window, values of that size. */
        int bytes(int size) {
            return Math.toIntExact((long) rows * columns.count() * size);
        }
    }

    /** to[rows, stride] ← a window of a tensor. */
    void load(Tensor tensor, Convert.Stored stored, Window window, DeviceBuffer to, Type type, int stride) {
        int columns = window.columns().count();
        int bytes = window.bytes(tensor.dtype().bytes());
        free[next].synchronize();
        copy(tensor, window, views[next]);
        boolean asStored = stored.name().equals(type.name()) && stride == columns;
        stream.copyToDevice(asStored ? to : staging, 0, pinned[next], 0, bytes);
        stream.record(free[next]);
        if (!asStored) {
            convert.launch(stream, stored, staging, window.rows(), columns, type, stride, to);
        }
        next = (next + 1) % BUFFERS;
    }

    /** Its rows, one behind the other: at once where they lie so. */
    static void copy(Tensor tensor, Window window, ByteBuffer to) {
        Span columns = window.columns();
        int size = tensor.dtype().bytes();
        int runs = columns.isAll() ? 1 : window.rows();
        int runBytes = window.bytes(size) / runs;
        long from = ((long) window.firstRow() * columns.of() + columns.first()) * size;
        for (int run = 0; run < runs; run++) {
            copy(tensor, from + (long) run * columns.of() * size, to, run * runBytes, runBytes);
        }
    }

    /** A run may begin in one part of a tensor's mapping and end in the next. */
    private static void copy(Tensor tensor, long from, ByteBuffer to, int at, int bytes) {
        for (int done = 0; done < bytes; ) {
            ByteBuffer stored = tensor.bytes(from + done);
            int count = Math.min(stored.remaining(), bytes - done);
            to.put(at + done, stored, 0, count);
            done += count;
        }
    }

    /** Waits for all pieces. */
    void synchronize() {
        stream.synchronize();
    }

    @Override
    public void close() {
        stream.synchronize();
        for (int i = 0; i < BUFFERS; i++) {
            free[i].close();
            pinned[i].close();
        }
        staging.close();
        stream.close();
    }
}
