package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Kernel;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import java.nio.IntBuffer;

/**
 * Changes of rows on their way to the device ({@code sample_rows.cu}): gathered in pinned memory, copied and carried out
 * when a segment is full or {@link #flush} is called. Lists of any length pass through, in several rounds where they must;
 * the caller waits for the device only when it is a whole ring of segments behind.
 */
final class RowCommands {

    /** What is done to a row; the numbers are the kernel's. */
    enum Kind {
        RESET,
        PROMPT,
        OUTPUT,
        ALLOW,
        BAN,
        STOP_AT,
        BIAS,
        BAN_ONCE
    }

    private static final int SEGMENTS = 8;
    private static final int COMMANDS = 512;
    private static final int TABLE_INTS = 4 * COMMANDS;
    private static final int SEGMENT_INTS = 65_536;
    private static final int MOST_WORDS = 4096; // even, so that a block's biases are whole pairs
    private static final int THREADS = 256;

    private final RowState rows;
    private final Kernel kernel;
    private final KernelArguments arguments;
    private final DeviceBuffer device;
    private final PinnedBuffer pinned;
    private final Event[] copied = new Event[SEGMENTS];
    private final IntBuffer host;
    private int segment;
    private int commands;
    private int words;

    RowCommands(Device device, Arena arena, RowState rows) {
        this.rows = rows;
        this.device = take(arena);
        kernel = device.load("sample_rows").kernel("sample_rows");
        arguments = device.newArguments();
        pinned = device.allocatePinned((long) SEGMENTS * SEGMENT_INTS * Integer.BYTES, "staging of row assignments");
        host = pinned.bytes().asIntBuffer();
        for (int i = 0; i < SEGMENTS; i++) {
            copied[i] = device.newEvent();
        }
    }

    /** The device memory this needs. */
    static DeviceBuffer take(Arena arena) {
        return arena.take((long) SEGMENT_INTS * Integer.BYTES);
    }

    /** Adds a command with a slice of words; nothing where there are none. */
    void add(Stream stream, int row, Kind kind, int[] values, int from, int to) {
        int next = from;
        while (next < to) {
            int count = Math.min(to - next, MOST_WORDS);
            begin(stream, row, kind, count);
            host.put(start(), values, next, count);
            words += count;
            next += count;
        }
    }

    void add(Stream stream, int row, Kind kind, int[] values) {
        add(stream, row, kind, values, 0, values.length);
    }

    /** Adds biases. */
    void addBiases(Stream stream, int row, int[] ids, float[] biases) {
        for (int from = 0; from < ids.length; from += MOST_WORDS / 2) {
            int count = Math.min(ids.length - from, MOST_WORDS / 2);
            begin(stream, row, Kind.BIAS, 2 * count);
            host.put(start(), ids, from, count);
            for (int i = 0; i < count; i++) {
                host.put(start() + count + i, Float.floatToRawIntBits(biases[from + i]));
            }
            words += 2 * count;
        }
    }

    /** Sends what was added; what is added later is done later. */
    void flush(Stream stream) {
        if (commands == 0) {
            return;
        }
        long bytes = (long) (TABLE_INTS + words) * Integer.BYTES;
        stream.copyToDevice(device, 0, pinned, (long) segment * SEGMENT_INTS * Integer.BYTES, bytes);
        stream.record(copied[segment]);
        arguments.reset().pointer(device).pointer(device.address() + (long) TABLE_INTS * Integer.BYTES);
        rows.appendTo(arguments).pointer(rows.lastTokens());
        kernel.launch(stream, Grid.of(commands, THREADS), arguments);
        segment = (segment + 1) % SEGMENTS;
        commands = 0;
        words = 0;
    }

    private void begin(Stream stream, int row, Kind kind, int count) {
        if (row < 0 || row >= rows.rows()) {
            throw new IllegalArgumentException("row " + row + " is none of the " + rows.rows() + " rows");
        }
        if (commands == COMMANDS || TABLE_INTS + words + count > SEGMENT_INTS) {
            flush(stream);
        }
        if (commands == 0) {
            copied[segment].synchronize();
        }
        int at = segment * SEGMENT_INTS + 4 * commands++;
        host.put(at, row).put(at + 1, kind.ordinal()).put(at + 2, words).put(at + 3, count);
    }

    private int start() {
        return segment * SEGMENT_INTS + TABLE_INTS + words;
    }
}
