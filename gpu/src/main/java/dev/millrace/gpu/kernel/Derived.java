package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;

/**
 * What {@link Prepare} derives from a step's inputs.
 *
 * @param tokenIds int32[T], each token's id, known or last sampled
 * @param slots int64[T], each token's place in a layer's cache: block · 16 + index in the block
 * @param sequences int32[T], each token's sequence
 * @param cosines fp32[T, headDim/2]
 * @param sines fp32[T, headDim/2]
 * @param firstItem int32[S+1], where each sequence's items of attention start
 */
public record Derived(
        DeviceBuffer tokenIds,
        DeviceBuffer slots,
        DeviceBuffer sequences,
        DeviceBuffer cosines,
        DeviceBuffer sines,
        DeviceBuffer firstItem) {

    /** Room for the largest step. */
    public static Derived in(Arena arena, int tokens, int sequences, int headDim) {
        long table = (long) tokens * (headDim / 2) * Float.BYTES;
        return new Derived(
                arena.take((long) tokens * Integer.BYTES),
                arena.take((long) tokens * Long.BYTES),
                arena.take((long) tokens * Integer.BYTES),
                arena.take(table),
                arena.take(table),
                arena.take((sequences + 1L) * Integer.BYTES));
    }
}
