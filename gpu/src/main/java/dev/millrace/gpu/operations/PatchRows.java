package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Type;
import dev.millrace.model.executor.MediaInput;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Writes patches as the tower reads them: in the order of its windows, in its storage type, with zeros behind each. */
final class PatchRows {

    /** Units that one thread writes at a time: a fraction of a millisecond. */
    private static final int BLOCK = 32;

    private static final int HALF = 0x7fff; // of the last place of a bf16, less one

    private final Type type;
    private final int unit;
    private final int length;
    private final int stride;

    /**
     * @param unit patches of a token
     * @param length values of a patch
     * @param stride values of a patch with the zeros behind it
     */
    PatchRows(Type type, int unit, int length, int stride) {
        this.type = type;
        this.unit = unit;
        this.length = length;
        this.stride = stride;
    }

    int unitBytes() {
        return unit * stride * type.bytes();
    }

    /**
     * Writes units of patches, on several threads.
     *
     * @param items in the order of the plans
     * @param first of the units, in the order of the windows
     * @param to begins with that unit; little endian
     */
    void write(VisionPlans plans, List<MediaInput> items, int first, int count, ByteBuffer to) {
        int[] starts = new int[items.size()];
        for (int i = 1; i < starts.length; i++) {
            starts[i] = starts[i - 1] + items.get(i - 1).item().numTokens();
        }
        ShortBuffer shorts = to.asShortBuffer();
        FloatBuffer floats = to.asFloatBuffer();
        IntStream.range(0, (count + BLOCK - 1) / BLOCK).parallel().forEach(block -> {
            short[] rounded = new short[unit * stride];
            float[] exact = new float[unit * stride];
            for (int i = block * BLOCK; i < Math.min(count, (block + 1) * BLOCK); i++) {
                int source = plans.order()[first + i];
                int found = Arrays.binarySearch(starts, source);
                int item = found >= 0 ? found : -found - 2;
                float[] patches = items.get(item).item().patches();
                int from = (source - starts[item]) * unit * length;
                switch (type) {
                    case BF16 -> {
                        round(patches, from, rounded);
                        shorts.put(i * rounded.length, rounded);
                    }
                    case F32 -> {
                        copy(patches, from, exact);
                        floats.put(i * exact.length, exact);
                    }
                }
            }
        });
    }

    private void copy(float[] patches, int from, float[] to) {
        for (int patch = 0; patch < unit; patch++) {
            System.arraycopy(patches, from + patch * length, to, patch * stride, length);
        }
    }

    /** To the nearest, of two the even one. */
    private void round(float[] patches, int from, short[] to) {
        for (int patch = 0; patch < unit; patch++) {
            int source = from + patch * length;
            int target = patch * stride;
            for (int i = 0; i < length; i++) {
                int bits = Float.floatToRawIntBits(patches[source + i]);
                to[target + i] = (short) (bits + HALF + (bits >>> Short.SIZE & 1) >>> Short.SIZE);
            }
        }
    }
}
