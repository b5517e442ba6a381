package dev.millrace.model.media;

import dev.millrace.model.InvalidInputException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * The share of the heap in which pictures are decoded. Threads whose pictures do not fit together wait for each other;
 * one that would not fit alone is refused, where running out of memory would take everyone's requests with it.
 */
final class DecodingMemory {

    /** A picture as its file stores it, up to four samples of 16 bits, and as red, green, blue. */
    private static final int BYTES_PER_PIXEL = 12;

    private static final int UNIT = 1024;

    private final int units;
    private final Semaphore free;

    DecodingMemory(long bytes) {
        units = (int) Math.min(Integer.MAX_VALUE, bytes / UNIT);
        free = new Semaphore(units, true);
    }

    /**
     * Does the work as soon as there is memory for it.
     *
     * @throws InvalidInputException if there never will be
     */
    <T> T decode(SmartResize.Size size, Supplier<T> work) {
        long wanted = size.pixels() * BYTES_PER_PIXEL / UNIT + 1;
        if (wanted > units) {
            throw new InvalidInputException(
                    "decoding " + size.width() + "x" + size.height() + " pixels takes up to " + wanted
                            + " KiB, more than the " + units + " KiB of the heap that are set aside; scale it down, or"
                            + " give the process more memory",
                    null);
        }
        try {
            free.acquire((int) wanted);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("waiting for memory to decode in was interrupted");
        }
        try {
            return work.get();
        } finally {
            free.release((int) wanted);
        }
    }
}
