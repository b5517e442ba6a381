package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;

/** What the kernels of one draw hand to each other ({@code sample.cu}); zero when a draw begins. */
final class SampleScratch {

    static final int CHUNK = 4096;
    static final int BINS = 2048;
    static final int LIST = 4096;
    private static final int BOUNDS_BYTES = 24;

    final DeviceBuffer scores;
    final DeviceBuffer ids;
    final DeviceBuffer maxima;
    final DeviceBuffer binCounts;
    final DeviceBuffer binMasses;
    final DeviceBuffer bounds;
    final DeviceBuffer lengths;
    final DeviceBuffer lists;

    SampleScratch(Arena arena, int samples, int vocabSize) {
        long chunks = (long) samples * chunks(vocabSize);
        scores = arena.take(chunks * Double.BYTES);
        ids = arena.take(chunks * Integer.BYTES);
        maxima = arena.take(chunks * Float.BYTES);
        binCounts = arena.take((long) samples * BINS * Integer.BYTES);
        binMasses = arena.take((long) samples * BINS * Long.BYTES);
        bounds = arena.take((long) samples * BOUNDS_BYTES);
        lengths = arena.take((long) samples * Integer.BYTES);
        lists = arena.take((long) samples * LIST * Long.BYTES);
    }

    /** Pieces of a fixed length that a row of logits is cut into. */
    static int chunks(int vocabSize) {
        return (vocabSize + CHUNK - 1) / CHUNK;
    }
}
