package dev.millrace.gpu.operations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PatchRowsTest {

    /** Windows of 4 by 4 tokens; patches of 24 values. */
    private static final VisionConfig CONFIG =
            new VisionConfig(1, 16, 16, 1, 16, 2, 2, 2, 16, new int[] {0}, 2, 1, 2, 3, 4);

    private static final int LENGTH = 24;
    private static final int STRIDE = 64;
    private static final int UNIT = 4;

    private static MediaInput input(long seed, int h, int w) {
        float[] patches = new Randoms(seed).normal(h * w * LENGTH);
        return new MediaInput(new MediaItem(new MediaKey(seed, 0), false, 1, h, w, 0, patches), new int[h * w / UNIT]);
    }

    /** Of several items, in parts that begin and end within them; enough units for several threads. */
    @ParameterizedTest
    @EnumSource(Type.class)
    void patchesOfAllItemsGoToTheirWindowsWithZerosBehindThem(Type type) {
        List<MediaInput> items = List.of(input(1, 2, 2), input(2, 20, 26), input(3, 2, 6));
        VisionPlans plans = VisionPlans.of(items, CONFIG);
        PatchRows rows = new PatchRows(type, UNIT, LENGTH, STRIDE);
        int units = plans.order().length;
        ByteBuffer written = ByteBuffer.allocate(units * rows.unitBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int first = 0; first < units; first += 77) {
            int count = Math.min(77, units - first);
            ByteBuffer part =
                    ByteBuffer.allocateDirect(count * rows.unitBytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < part.capacity(); i++) {
                part.put(i, (byte) 0xff);
            }
            rows.write(plans, items, first, count, part);
            written.put(part);
        }
        float[] all = new float[units * UNIT * LENGTH];
        int next = 0;
        for (MediaInput input : items) {
            float[] patches = input.item().patches();
            System.arraycopy(patches, 0, all, next, patches.length);
            next += patches.length;
        }
        for (int i = 0; i < units * UNIT; i++) {
            int source = plans.order()[i / UNIT] * UNIT + i % UNIT;
            float[] expected =
                    TestDevice.rounded(type, Arrays.copyOfRange(all, source * LENGTH, (source + 1) * LENGTH));
            assertThat(row(type, written, i)).isEqualTo(Arrays.copyOf(expected, STRIDE));
        }
    }

    private static float[] row(Type type, ByteBuffer rows, int row) {
        float[] values = new float[STRIDE];
        for (int i = 0; i < STRIDE; i++) {
            int at = (row * STRIDE + i) * type.bytes();
            values[i] = type == Type.F32 ? rows.getFloat(at) : Float.intBitsToFloat(rows.getShort(at) << Short.SIZE);
        }
        return values;
    }

    @Test
    void whatLiesHalfwayGoesToTheEvenNeighbour() {
        float[] patches = new float[UNIT * LENGTH];
        patches[0] = 1 + 0x1p-8f; // between 1 and 1 + 2^-7
        patches[1] = 1 + 3 * 0x1p-8f;
        patches[2] = -1 - 0x1p-8f - 0x1p-20f;
        patches[3] = Float.NEGATIVE_INFINITY;
        MediaInput input = new MediaInput(new MediaItem(new MediaKey(4, 0), false, 1, 2, 2, 0, patches), new int[] {0});
        PatchRows rows = new PatchRows(Type.BF16, UNIT, LENGTH, STRIDE);
        ByteBuffer written = ByteBuffer.allocate(rows.unitBytes()).order(ByteOrder.LITTLE_ENDIAN);
        rows.write(VisionPlans.of(List.of(input), CONFIG), List.of(input), 0, 1, written);
        assertThat(row(Type.BF16, written, 0)).startsWith(1, 1 + 0x1p-6f, -1 - 0x1p-7f, Float.NEGATIVE_INFINITY, 0);
    }
}
