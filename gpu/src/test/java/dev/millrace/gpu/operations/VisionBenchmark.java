package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.EventTimer;
import dev.millrace.gpu.kernel.RandomFill;
import dev.millrace.gpu.kernel.VisionAttention;
import dev.millrace.gpu.kernel.VisionShape;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.gpu.weights.RandomFeed;
import dev.millrace.gpu.weights.VisionWeights;
import dev.millrace.gpu.weights.WeightLoader;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.Qwen25Vl;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Measures the released tower in bf16: whole, from pixels in the JVM to embeddings on the device, and what a block is made of.
 * An argument divides the sides of the pictures and the blocks (to try it on the emulator, say).
 */
public final class VisionBenchmark {

    private static final Type TYPE = Type.BF16;
    private static final int UNIT = 4;

    private final Device device;
    private final Stream stream;
    private final Blas blas;
    private final EventTimer timer;
    private final VisionConfig config;
    private final VisionKernels kernels;

    private VisionBenchmark(Device device, int shrink) {
        this.device = device;
        stream = device.newStream();
        blas = device.newBlas(stream, device.allocate(32 << 20, "workspace of cuBLAS"));
        timer = new EventTimer(device, stream);
        int depth = Math.max(1, 32 / shrink);
        int[] full = IntStream.of(7, 15, 23, 31).filter(block -> block < depth).toArray();
        config = new VisionConfig(depth, 1280, 3420, 16, 3584, 14, 2, 2, 112, full, 2, 1, 2, 3, 4);
        kernels = VisionKernels.load(device, config, TYPE);
    }

    public static void main(String[] args) {
        int shrink = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        try (Device device = Device.open(0)) {
            VisionBenchmark benchmark = new VisionBenchmark(device, shrink);
            benchmark.measure(1, 208 / shrink / 2 * 2, 312 / shrink / 2 * 2);
            benchmark.measure(8, 72 / shrink / 2 * 2, 72 / shrink / 2 * 2);
            benchmark.measure(8, 32 / shrink / 2 * 2, 32 / shrink / 2 * 2);
        }
    }

    private void measure(int count, int h, int w) {
        System.out.printf("%d of %d x %d patches%n", count, h, w);
        int patches = count * h * w;
        float[] pixels = new float[h * w * config.patchLength()];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (i * 0x9E3779B9 >> 8) * 0x1p-23f;
        }
        int tokens = h * w / UNIT;
        List<MediaInput> inputs = IntStream.range(0, count)
                .mapToObj(i -> new MediaInput(
                        new MediaItem(new MediaKey(1, i), false, 1, h, w, 0, pixels.clone()),
                        IntStream.range(i * tokens, (i + 1) * tokens).toArray()))
                .toList();
        tower(inputs, patches);
        block(VisionPlans.of(inputs, config));
    }

    private void tower(List<MediaInput> inputs, int patches) {
        VisionWeights weights;
        try (RandomFeed feed = new RandomFeed(device);
                WeightLoader loader = new WeightLoader(device, TYPE, feed)) {
            weights = VisionWeights.load(loader, config);
            loader.finish();
        }
        try (DeviceBuffer memory = device.allocate(GpuVisionOperations.bytes(config, TYPE, patches), "activations");
                DeviceBuffer media = room((long) patches / UNIT * config.outHiddenSize())) {
            GpuVisionOperations operations =
                    new GpuVisionOperations(device, config, TYPE, weights, stream, blas, memory, patches, media);
            Qwen25Vl forward = new Qwen25Vl(0, config.depth(), config.fullAttentionBlocks());
            timer.print("tower with its uploads", 0, 0, () -> {
                operations.bind(inputs);
                forward.encode(operations);
                operations.takeSlices().forEach(Slice::launch);
            });
            timer.print("tower", 0, 0, () -> forwardBlocks(operations));
        }
    }

    /** All but the upload of pixels. */
    private void forwardBlocks(GpuVisionOperations operations) {
        for (int block = 0; block < config.depth(); block++) {
            int current = block;
            operations.visAttnIn(block);
            operations.visAttend(
                    block, IntStream.of(config.fullAttentionBlocks()).anyMatch(b -> b == current));
            operations.visAttnOut(block);
            operations.visMlpIn(block);
            operations.visMlpOut(block);
        }
        operations.merge();
        operations.takeSlices().forEach(Slice::launch);
    }

    private DeviceBuffer room(long values) {
        return device.allocate(values * TYPE.bytes(), "a benchmark's values");
    }

    private DeviceBuffer random(long rows, int columns) {
        DeviceBuffer buffer = room(rows * columns);
        uniform(buffer, rows, columns);
        return buffer;
    }

    private void uniform(DeviceBuffer buffer, long rows, int columns) {
        new RandomFill(device).uniform(stream, TYPE, columns, 1, rows, columns, columns, buffer);
    }

    private DeviceBuffer zeros(long bytes) {
        DeviceBuffer buffer = device.allocate(bytes, "a benchmark's parameters");
        stream.fill(buffer, 0);
        return buffer;
    }

    private DeviceBuffer ints(int[] values) {
        DeviceBuffer buffer = device.allocate((long) values.length * Integer.BYTES, "a benchmark's bounds");
        try (PinnedBuffer staging = device.allocatePinned(buffer.bytes(), "a benchmark's bounds")) {
            staging.bytes().asIntBuffer().put(values);
            stream.copyToDevice(buffer, 0, staging, 0, buffer.bytes());
            stream.synchronize();
        }
        return buffer;
    }

    private void block(VisionPlans plans) {
        int p = plans.patches();
        int d = config.hiddenSize();
        int f = Matrix.padded(config.intermediateSize());
        int rows = Math.min(p, 16_384);
        double row = (double) p * TYPE.bytes();
        try (DeviceBuffer v = random(p, d);
                DeviceBuffer normed = random(p, d);
                DeviceBuffer wide = random(p, 3 * d);
                DeviceBuffer planes = random(p, 2 * d);
                DeviceBuffer gateUp = random(rows, 2 * f);
                DeviceBuffer weight = random(2L * f, d);
                DeviceBuffer floats = zeros(2L * f * Float.BYTES);
                DeviceBuffer angles = zeros((long) p * d / 32 * Float.BYTES);
                DeviceBuffer windows = ints(plans.windows().starts());
                DeviceBuffer frames = ints(plans.frames().starts())) {
            timer.print("sum and norm", 0, 4 * d * row, () -> kernels.norm()
                    .launch(stream, v, p, wide, floats, floats, normed));
            product("qkv", weight, normed, p, wide, 3 * d, d);
            timer.print("bias and rope", 0, 6 * d * row, () -> kernels.rope()
                    .launch(stream, wide, p, floats, angles, angles));
            timer.print("bias and rope to planes", 0, 6 * d * row, () -> kernels.rope()
                    .launch(stream, wide, p, floats, angles, angles, planes));
            uniform(wide, p, 3 * d);
            uniform(planes, p, 2 * d);
            VisionShape shape = new VisionShape(TYPE, config.numHeads(), config.headDim());
            VisionAttention common = VisionAttention.common(device, shape);
            attention("windows", kernels.attention(), plans.windows(), windows, wide, planes, normed);
            attention("frames", kernels.attention(), plans.frames(), frames, wide, planes, normed);
            attention("frames, as before Hopper", common, plans.frames(), frames, wide, planes, normed);
            product("attention out", weight, normed, p, v, d, d);
            product("gate and up", weight, normed, rows, gateUp, 2 * f, d);
            timer.print("silu of %d rows".formatted(rows), 0, 3.0 * f * rows * TYPE.bytes(), () -> kernels.siluMul()
                    .launch(stream, gateUp, rows, floats, f, wide));
            product("down", weight, wide, p, v, d, f);
        }
    }

    private void attention(
            String what,
            VisionAttention attention,
            VisionPlans.Bounds segments,
            DeviceBuffer bounds,
            DeviceBuffer qkv,
            DeviceBuffer planes,
            DeviceBuffer out) {
        int d = config.hiddenSize();
        int p = segments.starts()[segments.count()];
        double pairs = 0;
        for (int i = 0; i < segments.count(); i++) {
            double length = segments.starts()[i + 1] - segments.starts()[i];
            pairs += length * length;
        }
        timer.print(
                "attention in " + what,
                4 * pairs * d,
                4.0 * d * p * TYPE.bytes(),
                () -> attention.launch(stream, qkv, planes, p, bounds, segments.count(), segments.longest(), d, out));
    }

    private void product(String what, DeviceBuffer weight, DeviceBuffer x, int rows, DeviceBuffer y, int out, int in) {
        timer.print(
                "%s, %d x %d to %d".formatted(what, rows, in, out),
                2.0 * rows * in * out,
                (double) TYPE.bytes() * ((double) rows * (in + out) + (double) in * out),
                () -> blas.multiply(TYPE, weight, out, in, in, x, rows, in, y, TYPE, out, 0));
    }
}
