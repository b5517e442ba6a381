package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.Convert;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.WeightSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Weights from a checkpoint's mapped files. Several readers copy pieces into pinned memory, each with two buffers and a
 * stream of its own, so that reading, the bus and conversion overlap.
 */
public final class StreamedFeed implements WeightFeed {

    private static final int PIECE_BYTES = 8 << 20;
    private static final int MOST_READERS = 8;

    private final WeightSource source;
    private final ExecutorService threads;
    private final List<PieceReader> readers = new ArrayList<>();
    private final ThreadLocal<PieceReader> reader;
    private final List<Future<?>> pieces = new ArrayList<>();

    public StreamedFeed(Device device, WeightSource source) {
        this.source = source;
        Convert convert = new Convert(device);
        reader = ThreadLocal.withInitial(() -> open(device, convert));
        int count = Math.min(MOST_READERS, Runtime.getRuntime().availableProcessors());
        threads = Executors.newFixedThreadPool(count, work -> {
            Thread thread = new Thread(work, "millrace-weights");
            thread.setDaemon(true);
            return thread;
        });
    }

    private PieceReader open(Device device, Convert convert) {
        device.bindThread();
        PieceReader opened = new PieceReader(device, convert, PIECE_BYTES);
        synchronized (readers) {
            readers.add(opened);
        }
        return opened;
    }

    @Override
    public void fill(Part part, DeviceBuffer to, Type type, int stride) {
        Tensor tensor = source.weight(part.name(), part.shape());
        Convert.Stored stored = stored(tensor);
        long columns = part.columns().count();
        long rowBytes = columns * tensor.dtype().bytes();
        if (rowBytes > PIECE_BYTES) {
            throw new CheckpointException("weight " + part.name() + " has rows of " + rowBytes + " bytes; at most "
                    + PIECE_BYTES + " are loaded at once");
        }
        int rowsAtOnce = (int) (PIECE_BYTES / rowBytes);
        for (int first = 0; first < part.rows().count(); first += rowsAtOnce) {
            int rows = Math.min(rowsAtOnce, part.rows().count() - first);
            var window = new PieceReader.Window(part.rows().first() + first, rows, part.columns());
            DeviceBuffer slice =
                    to.slice((long) first * stride * type.bytes(), ((rows - 1L) * stride + columns) * type.bytes());
            pieces.add(threads.submit(() -> reader.get().load(tensor, stored, window, slice, type, stride)));
        }
    }

    @Override
    public void finish() {
        try {
            for (Future<?> piece : pieces) {
                piece.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("loading of weights was interrupted", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("a weight could not be loaded", e.getCause());
        }
        pieces.clear();
        readers.forEach(PieceReader::synchronize);
    }

    @Override
    public void close() {
        threads.shutdownNow();
        boolean interrupted = false;
        while (!threads.isTerminated()) {
            try {
                threads.awaitTermination(1, TimeUnit.MINUTES);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        readers.forEach(PieceReader::close);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static Convert.Stored stored(Tensor tensor) {
        return switch (tensor.dtype()) {
            case BF16 -> Convert.Stored.BF16;
            case F16 -> Convert.Stored.F16;
            case F32 -> Convert.Stored.F32;
            case I32, I64 -> throw new CheckpointException("weight " + tensor.name() + " is stored as " + tensor.dtype()
                    + "; BF16, F16 and F32 are supported");
        };
    }
}
