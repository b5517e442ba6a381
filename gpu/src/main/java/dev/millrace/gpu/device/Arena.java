package dev.millrace.gpu.device;

/**
 * Cuts pieces, aligned to 256 bytes, from one buffer one behind the other. A dry run of the worst case on a measuring
 * arena gives the size of the buffer; its pieces have lengths but no memory.
 */
public final class Arena {
    private static final long ALIGNMENT = 256;

    private final DeviceBuffer buffer;
    private long used;
    private long peak;

    public Arena(DeviceBuffer buffer) {
        this.buffer = buffer;
    }

    /** An arena without an end that only counts. */
    public static Arena measuring() {
        return new Arena(DeviceBuffer.imagined(Long.MAX_VALUE));
    }

    public DeviceBuffer take(long bytes) {
        long start = used;
        DeviceBuffer piece = buffer.slice(start, bytes);
        used = Math.addExact(start, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        peak = Math.max(peak, used);
        return piece;
    }

    /** Where the next piece begins; {@link #rewind} gives back all that was taken since. */
    public long mark() {
        return used;
    }

    public void rewind(long mark) {
        if (mark < 0 || mark > used) {
            throw new IllegalArgumentException("rewind to %d of %d".formatted(mark, used));
        }
        used = mark;
    }

    /** The bytes a buffer needs for all that was ever taken at once. */
    public long peak() {
        return peak;
    }
}
