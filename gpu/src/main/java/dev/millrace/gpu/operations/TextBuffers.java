package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.kernel.Derived;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.model.config.ModelConfig.TextConfig;

/**
 * The decoder's registers for the largest step, as many rows of it as products compute. Those that are never alive together share their memory.
 *
 * @param x c[T, D], the residual stream; D as all inner dimensions padded with zeros to a multiple of 64
 * @param normed c[max(T, R), D]
 * @param attended c[T, Hq·hd], padded; must be zero at first, because nobody writes the padding
 * @param qkv c[T, (Hq+2Hk)·hd]
 * @param q c[T, Hq·hd]
 * @param gateUp c[T, 2F]
 * @param f c[T, F]
 * @param logits fp32[R, V]
 */
public record TextBuffers(
        Derived derived,
        DeviceBuffer x,
        DeviceBuffer normed,
        DeviceBuffer attended,
        DeviceBuffer qkv,
        DeviceBuffer q,
        DeviceBuffer gateUp,
        DeviceBuffer f,
        DeviceBuffer logits) {

    /** The same with logits that lie elsewhere. */
    public TextBuffers withLogits(DeviceBuffer elsewhere) {
        return new TextBuffers(derived, x, normed, attended, qkv, q, gateUp, f, elsewhere);
    }

    /** Takes them from an arena, which tells the bytes they need if it only measures. */
    public static TextBuffers in(Arena arena, TextConfig config, CacheShape shape, StepLimits limits) {
        long tokens = ProductRows.atLeast(limits.tokens());
        long samples = ProductRows.atLeast(limits.samples());
        int bytes = shape.type().bytes();
        long width = Matrix.padded(config.hiddenSize());
        long inner = Matrix.padded(config.intermediateSize());
        Derived derived = Derived.in(arena, limits.tokens(), limits.computedSequences(), shape.headDim());
        DeviceBuffer x = arena.take(tokens * width * bytes);
        DeviceBuffer normed = arena.take(Math.max(tokens, samples) * width * bytes);
        DeviceBuffer attended = arena.take(tokens * Matrix.padded(shape.queryWidth()) * bytes);
        long shared = arena.mark();
        DeviceBuffer qkv = arena.take(tokens * shape.qkvWidth() * bytes);
        DeviceBuffer q = arena.take(tokens * shape.queryWidth() * bytes);
        arena.rewind(shared);
        DeviceBuffer gateUp = arena.take(tokens * 2 * inner * bytes);
        DeviceBuffer f = arena.take(tokens * inner * bytes);
        arena.rewind(shared);
        DeviceBuffer logits = arena.take(samples * config.vocabSize() * Type.F32.bytes());
        return new TextBuffers(derived, x, normed, attended, qkv, q, gateUp, f, logits);
    }
}
