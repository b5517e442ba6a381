package dev.millrace.model.checkpoint;

import dev.millrace.model.checkpoint.Tensor.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * Weights for {@code --load-format dummy}: bf16, the same for a name in every run, and sized so that activations stay
 * finite. A matrix is uniform with variance 1/fan-in, a norm's weight is one, a bias nought.
 *
 * <p>Values come from one table that each matrix enters at another place. Its length is prime, so the rows of a matrix
 * enter it at different places too.
 */
public final class RandomWeights implements WeightSource {

    private static final int TABLE = 65_521;

    private final float[] uniform = new float[TABLE]; // mean 0, variance 1

    public RandomWeights(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < TABLE; i++) {
            uniform[i] = (float) ((2 * random.nextDouble() - 1) * Math.sqrt(3));
        }
    }

    @Override
    public Tensor weight(String name, long... shape) {
        int elements = elements(name, shape);
        ByteBuffer data = ByteBuffer.allocate(elements * Dtype.BF16.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        if (shape.length > 1) {
            fill(data, name.hashCode(), (float) Math.sqrt((double) shape[0] / elements));
        } else if (!name.endsWith(".bias")) {
            while (data.hasRemaining()) {
                data.putShort(bf16(1));
            }
        }
        return new Tensor(name, Dtype.BF16, shape.clone(), data.rewind());
    }

    @Override
    public void close() {}

    private void fill(ByteBuffer data, int hash, float scale) {
        byte[] table = table(hash, scale);
        while (data.hasRemaining()) {
            data.put(table, 0, Math.min(table.length, data.remaining()));
        }
    }

    private byte[] table(int hash, float scale) {
        ByteBuffer table = ByteBuffer.allocate(TABLE * Dtype.BF16.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        int start = Math.floorMod(hash, TABLE);
        for (int i = 0; i < TABLE; i++) {
            table.putShort(bf16(uniform[(start + i) % TABLE] * scale));
        }
        return table.array();
    }

    private static int elements(String name, long[] shape) {
        double elements = 1;
        for (long dimension : shape) {
            elements *= dimension;
        }
        if (elements > Integer.MAX_VALUE / Dtype.BF16.bytes()) {
            throw new CheckpointException(
                    "random weight " + name + " would have " + elements + " values; 2 GiB can be made at once");
        }
        return (int) elements;
    }

    /** The nearest bf16, ties to even. */
    private static short bf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }
}
