package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;

/**
 * The tower's bias and rotary embedding over rows and columns ({@code vis_rope.cu}). Frequencies are θ^(−2i/(headDim/2)),
 * angles and sines single precision, as in transformers {@code modeling_qwen2_5_vl.py}.
 */
public final class VisionRope {

    private static final int THREADS = 160;
    private static final int PATCHES = 4;
    private static final int PLANE_PATCHES = 8;
    private static final double THETA = 10_000;

    private final Operation rope;
    private final Operation toPlanes; // null: not for this shape
    private final Operation angles;
    private final VisionShape shape;

    public VisionRope(Device device, VisionShape shape) {
        rope = Operation.of(device, "vis_rope", shape.type());
        toPlanes = shape.hasPlanes() ? new Operation(device, "vis_rope", "vis_rope_planes_bf16") : null;
        angles = new Operation(device, "vis_rope", "vis_angles");
        this.shape = shape;
    }

    /** Frequencies [headDim/4], the same for rows and columns. */
    public static float[] frequencies(int headDim) {
        float[] frequencies = new float[headDim / 4];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = 1f / (float) StrictMath.pow(THETA, (float) i / frequencies.length);
        }
        return frequencies;
    }

    /**
     * cos, sin fp32[P, headDim/2] ← angles of the patches.
     *
     * @param positions int32[2, P], row and column
     * @param frequencies fp32[headDim/4] as {@link #frequencies} gives them
     */
    public void angles(
            Stream stream,
            DeviceBuffer positions,
            DeviceBuffer frequencies,
            int patches,
            DeviceBuffer cosines,
            DeviceBuffer sines) {
        Operation.requireBytes(positions, 2L * patches * Integer.BYTES, "positions of patches");
        Operation.requireBytes(frequencies, (long) shape.headDim() / 4 * Float.BYTES, "frequencies");
        requireTables(patches, cosines, sines);
        angles.arguments()
                .pointer(positions)
                .pointer(frequencies)
                .intValue(patches)
                .intValue(shape.headDim() / 2)
                .pointer(cosines)
                .pointer(sines);
        angles.launch(stream, Grid.of(Operation.blocks((long) patches * (shape.headDim() / 2), THREADS), THREADS));
    }

    /** qkv[P, 3, heads, headDim] ← qkv + bias, queries and keys turned; bias fp32[3, heads, headDim]. */
    public void launch(
            Stream stream, DeviceBuffer qkv, int patches, DeviceBuffer bias, DeviceBuffer cosines, DeviceBuffer sines) {
        append(rope, qkv, patches, bias, cosines, sines);
        rope.launch(stream, Grid.of(Operation.blocks(patches, PATCHES), THREADS));
    }

    /**
     * The same for queries; keys and values, turned, go to planes[heads, 2, headDim/8, P, 8], a head's keys and then its values
     * in columns of 8, as {@link VisionAttention#readsPlanes} has them. What remains in qkv of keys and values is not theirs.
     */
    public void launch(
            Stream stream,
            DeviceBuffer qkv,
            int patches,
            DeviceBuffer bias,
            DeviceBuffer cosines,
            DeviceBuffer sines,
            DeviceBuffer planes) {
        if (toPlanes == null) {
            throw new IllegalArgumentException("there are no planes of keys and values for " + shape);
        }
        append(toPlanes, qkv, patches, bias, cosines, sines);
        Operation.requireBytes(planes, shape.planesBytes(patches), "planes of keys and values");
        toPlanes.append().pointer(planes);
        toPlanes.launch(stream, Grid.of(Operation.blocks(patches, PLANE_PATCHES), THREADS));
    }

    private void append(
            Operation operation,
            DeviceBuffer qkv,
            int patches,
            DeviceBuffer bias,
            DeviceBuffer cosines,
            DeviceBuffer sines) {
        Operation.requireBytes(qkv, shape.qkvBytes(patches), "queries, keys and values");
        Operation.requireBytes(bias, 3L * shape.width() * Float.BYTES, "a bias of queries, keys and values");
        requireTables(patches, cosines, sines);
        operation
                .arguments()
                .pointer(qkv)
                .pointer(bias)
                .pointer(cosines)
                .pointer(sines)
                .intValue(patches)
                .intValue(shape.heads())
                .intValue(shape.headDim() / 2);
    }

    private void requireTables(int patches, DeviceBuffer cosines, DeviceBuffer sines) {
        long bytes = (long) patches * (shape.headDim() / 2) * Float.BYTES;
        Operation.requireBytes(cosines, bytes, "cosines");
        Operation.requireBytes(sines, bytes, "sines");
    }
}
