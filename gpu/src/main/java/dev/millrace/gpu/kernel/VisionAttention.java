package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.util.Objects;

/**
 * Bidirectional attention within segments ({@code vis_attend.cu}): on tensor cores for the released towers in bf16, frames by
 * Hopper's own products where there are ({@code vis_attend_hopper.cu}), else by a kernel for every shape.
 */
public final class VisionAttention {

    private static final int THREADS = 128;
    private static final int FAST_HEAD_DIM = 80;
    private static final int HOPPER = 90;
    private static final int HOPPER_SHARED = 215_136;

    /** A kernel: how many threads and queries a block has, which segments it is for, blocks a multiprocessor has at a time. */
    private record Variant(
            Operation operation,
            int threads,
            int queries,
            int longest,
            int sharedBytes,
            int resident,
            boolean readsPlanes) {}

    private final int multiprocessors;
    private final VisionShape shape;
    private final Variant generic;
    private final Variant windows; // null: generic serves all
    private final Variant frames;
    private final float scale;

    public VisionAttention(Device device, VisionShape shape) {
        this(
                device,
                shape,
                isFast(shape) ? windows(device) : null,
                isFast(shape) ? device.computeCapability() == HOPPER ? hopper(device) : frames(device) : null);
    }

    private VisionAttention(Device device, VisionShape shape, Variant windows, Variant frames) {
        multiprocessors = device.multiprocessors();
        this.shape = shape;
        this.windows = windows;
        this.frames = frames;
        scale = (float) (1 / Math.sqrt(shape.headDim()));
        generic = new Variant(
                Operation.of(device, "vis_attend", shape.type()), THREADS, 16, Integer.MAX_VALUE, 0, 4, false);
    }

    /** The kernel for every shape, also where there is a faster one. */
    public static VisionAttention generic(Device device, VisionShape shape) {
        return new VisionAttention(device, shape, null, null);
    }

    /** As on devices before Hopper, by the products that all have. */
    public static VisionAttention common(Device device, VisionShape shape) {
        boolean fast = isFast(shape);
        return new VisionAttention(device, shape, fast ? windows(device) : null, fast ? frames(device) : null);
    }

    private static boolean isFast(VisionShape shape) {
        return shape.type() == Type.BF16 && shape.headDim() == FAST_HEAD_DIM;
    }

    private static Variant windows(Device device) {
        return fast(device, "vis_attend_window_80_bf16", 64, 1, 64, 4);
    }

    private static Variant frames(Device device) {
        return fast(device, "vis_attend_80_bf16", 128, 2, Integer.MAX_VALUE, 2);
    }

    private static Variant hopper(Device device) {
        var operation = new Operation(device, "vis_attend_hopper", "vis_attend_hopper_80_bf16", HOPPER_SHARED);
        return new Variant(operation, 512, 192, Integer.MAX_VALUE, HOPPER_SHARED, 1, true);
    }

    /** Queries and {@code stages} tiles of 64 keys and values, in rows 8 values longer than a head. */
    private static Variant fast(Device device, String function, int queries, int stages, int longest, int resident) {
        int bytes = (queries + 2 * stages * 64) * (FAST_HEAD_DIM + 8) * Type.BF16.bytes();
        return new Variant(
                new Operation(device, "vis_attend", function, bytes),
                THREADS,
                queries,
                longest,
                bytes,
                resident,
                false);
    }

    /**
     * out[P, outStride] ← what each patch's heads attend to in the patches of its segment; what lies behind the heads stays.
     *
     * @param qkv c[P, 3, heads, headDim]
     * @param planes keys and values where {@link #readsPlanes}, c[heads, 2, headDim/8, P, 8]; else not used
     * @param bounds int32[segments+1], where each segment starts
     * @param longest patches of the longest segment
     */
    public void launch(
            Stream stream,
            DeviceBuffer qkv,
            DeviceBuffer planes,
            int patches,
            DeviceBuffer bounds,
            int segments,
            int longest,
            int outStride,
            DeviceBuffer out) {
        launch(stream, qkv, planes, patches, bounds, segments, longest, outStride, out, 0, blocks(segments, longest));
    }

    /**
     * A part of it, of the {@link #blocks} that all of it takes.
     *
     * @param first block
     * @param count of blocks
     */
    public void launch(
            Stream stream,
            DeviceBuffer qkv,
            DeviceBuffer planes,
            int patches,
            DeviceBuffer bounds,
            int segments,
            int longest,
            int outStride,
            DeviceBuffer out,
            int first,
            int count) {
        Operation.requireBytes(qkv, shape.qkvBytes(patches), "queries, keys and values");
        Operation.requireBytes(bounds, (segments + 1L) * Integer.BYTES, "bounds of segments");
        Operation.requireBytes(out, (long) patches * outStride * shape.type().bytes(), "attended values");
        Objects.checkFromIndexSize(first, count, blocks(segments, longest));
        Variant variant = variant(longest);
        var arguments = variant.operation.arguments().pointer(qkv);
        if (variant.readsPlanes) {
            Operation.requireBytes(planes, shape.planesBytes(patches), "planes of keys and values");
            arguments.pointer(planes).intValue(patches);
        }
        arguments.pointer(bounds).intValue(first).intValue(shape.heads());
        if (variant == generic) {
            arguments.intValue(shape.headDim());
        }
        arguments
                .intValue(tiles(variant, longest))
                .floatValue(scale)
                .intValue(outStride)
                .pointer(out);
        variant.operation.launch(stream, Grid.of(count, variant.threads).withShared(variant.sharedBytes));
    }

    /**
     * Whether keys and values of segments up to {@code longest} patches are read from planes, where {@link VisionRope} puts
     * them, instead of qkv.
     */
    public boolean readsPlanes(int longest) {
        return variant(longest).readsPlanes;
    }

    /** Blocks that attention within segments takes, of up to {@code longest} patches. */
    public int blocks(int segments, int longest) {
        return Math.toIntExact((long) segments * shape.heads() * tiles(variant(longest), longest));
    }

    /** Blocks that the device does at a time, at most; a part of so many leaves none of it idle. */
    public int wave(int longest) {
        return multiprocessors * variant(longest).resident;
    }

    private Variant variant(int longest) {
        return windows == null ? generic : longest <= windows.longest ? windows : frames;
    }

    private static int tiles(Variant variant, int longest) {
        return Operation.blocks(longest, variant.queries);
    }
}
