package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.SkinnyMatrix.Epilogue;
import dev.millrace.gpu.sampling.SamplerBenchmark;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Measures what one decode step of the 7B model is made of beside cuBLAS: skinny products, decode attention, the kernels
 * between products, sampling.
 * Operands alternate between copies that exceed the cache, as the layers of a model do. Arguments: the bandwidth in TB/s
 * that shares are of (4.27 unless given), and a number that all sizes are divided by (to try it on the emulator, say).
 */
public final class DecodeBenchmark {

    private static final long BEYOND_CACHE = 1_000_000_000;
    private static final long WORKSPACE_BYTES = 64 << 20;
    private static final int[] NONE = {};

    private final Device device;
    private final Stream stream;
    private final RandomFill fill;
    private final GraphTimer timer;
    private final int shrink;

    private DecodeBenchmark(Device device, double bandwidth, int shrink) {
        this.device = device;
        this.shrink = shrink;
        stream = device.newStream();
        fill = new RandomFill(device);
        timer = new GraphTimer(device, stream, bandwidth);
    }

    public static void main(String[] args) {
        double bandwidth = 1e12 * (args.length > 0 ? Double.parseDouble(args[0]) : 4.27);
        try (Device device = Device.open(0)) {
            int shrink = args.length > 1 ? Integer.parseInt(args[1]) : 1;
            DecodeBenchmark benchmark = new DecodeBenchmark(device, bandwidth, shrink);
            for (int tokens : new int[] {1, 8, 16}) {
                benchmark.product("qkv", Epilogue.STORE, 4608, 3584, tokens);
                benchmark.product("attention out", Epilogue.ADD, 3584, 3584, tokens);
                benchmark.product("gate and up", Epilogue.SILU, 37_888, 3584, tokens);
                benchmark.product("down", Epilogue.ADD, 3584, 18_944, tokens);
                benchmark.product("logits", Epilogue.FLOAT, 152_064, 3584, tokens);
            }
            for (int tokens : new int[] {16, 32, 64}) {
                benchmark.gate(tokens);
            }
            benchmark.attention(1, 300);
            benchmark.attention(1, 4096);
            benchmark.attention(1, 32_768);
            benchmark.attention(8, 256);
            benchmark.attention(8, 4096);
            benchmark.attention(64, 192);
            benchmark.attention(64, 4096);
            benchmark.attention(256, 192);
            benchmark.attention(256, 1024);
            for (int tokens : new int[] {1, 64, 256, 8192}) {
                benchmark.betweenProducts(tokens);
            }
            SamplerBenchmark.run(device, benchmark.stream, benchmark.timer, shrink);
        }
    }

    private DeviceBuffer random(long values, String what) {
        DeviceBuffer buffer = device.allocate(values * Type.BF16.bytes(), what);
        fill.uniform(stream, Type.BF16, values, 1, 1, values, values, buffer);
        return buffer;
    }

    private DeviceBuffer[] copies(long values, String what) {
        int count = (int) Math.max(1, BEYOND_CACHE / shrink / shrink / (values * Type.BF16.bytes()));
        DeviceBuffer[] copies = new DeviceBuffer[count];
        Arrays.setAll(copies, i -> random(values, what));
        return copies;
    }

    private void product(String name, Epilogue epilogue, int fullOut, int fullIn, int tokens) {
        int out = fullOut / shrink;
        int in = (fullIn / shrink + 63) / 64 * 64;
        SkinnyMatrix skinny = new SkinnyMatrix(device);
        long values = (long) out * in;
        DeviceBuffer[] weights = copies(values, "weights");
        int columns = epilogue == Epilogue.SILU ? out / 2 : out;
        try (DeviceBuffer x = random((long) tokens * in, "tokens");
                DeviceBuffer y = device.allocate((long) tokens * columns * Float.BYTES, "products")) {
            stream.fill(y, 0);
            String what = "%s, %d x %d, %d tokens".formatted(name, out, in, tokens);
            timer.print(
                    what,
                    2.0 * values,
                    i -> skinny.launch(
                            stream, epilogue, weights[i % weights.length], out, in, x, tokens, in, y, columns));
        }
        Arrays.stream(weights).forEach(DeviceBuffer::close);
    }

    /** The largest product of a layer by Hopper's own products, and by cuBLAS with the kernel that it needs behind it. */
    private void gate(int tokens) {
        int width = 18_944 / shrink / 8 * 8;
        int in = (3584 / shrink + 63) / 64 * 64;
        long values = 2L * width * in;
        DeviceBuffer[] weights = copies(values, "weights");
        SiluMul siluMul = new SiluMul(device, Type.BF16);
        try (DeviceBuffer workspace = device.allocate(WORKSPACE_BYTES, "workspace of cuBLAS");
                Blas blas = device.newBlas(stream, workspace);
                DeviceBuffer x = random((long) tokens * in, "tokens");
                DeviceBuffer product = device.allocate(2L * tokens * width * Type.BF16.bytes(), "gates and ups");
                DeviceBuffer f = device.allocate((long) tokens * width * Type.BF16.bytes(), "gated values")) {
            String what = "gate and up, %d x %d, %d tokens".formatted(2 * width, in, tokens);
            if (HopperGate.isFor(device, Type.BF16)) {
                HopperGate gate = new HopperGate(device);
                timer.print(
                        what + ", wgmma",
                        2.0 * values,
                        i -> gate.launch(stream, weights[i % weights.length], width, in, x, tokens, in, f));
            }
            timer.print(what + ", cuBLAS, gate", 2.0 * values, i -> {
                DeviceBuffer w = weights[i % weights.length];
                blas.multiply(Type.BF16, w, 2 * width, in, in, x, tokens, in, product, Type.BF16, 2 * width, 0);
                siluMul.launch(stream, product, tokens, width, f);
            });
        }
        Arrays.stream(weights).forEach(DeviceBuffer::close);
    }

    private void attention(int fullSequences, int fullContext) {
        int sequences = Math.max(1, fullSequences / shrink);
        int context = Math.max(1, fullContext / shrink);
        CacheShape shape = new CacheShape(Type.BF16, 28, 4, 128);
        int blocks = (context + CacheShape.BLOCK_TOKENS - 1) / CacheShape.BLOCK_TOKENS;
        int numBlocks = sequences * blocks + 1;
        StepInputs inputs = new StepInputs(device, new StepLimits(sequences, sequences, blocks, numBlocks, 0, 1), 1);
        inputs.stage(stream, decode(sequences, context, blocks), 0, 0);
        if (inputs.tableUpdates() > 0) {
            new Prepare(device, shape, null).updateTables(stream, inputs);
        }
        DecodeAttention attention = new DecodeAttention(device, shape, sequences);
        attention.plan(stream, inputs);
        DeviceBuffer[] caches = copies(numBlocks * shape.blockBytes() / Type.BF16.bytes(), "a layer's cache");
        try (DeviceBuffer q = random((long) sequences * shape.queryWidth(), "queries");
                DeviceBuffer out = device.allocate(q.bytes(), "attended values")) {
            double bytes = (double) sequences * context * 2 * shape.keyHeads() * 128 * Type.BF16.bytes();
            timer.print(
                    "attention, %d sequences of %d tokens".formatted(sequences, context),
                    bytes,
                    i -> attention.launch(stream, q, caches[i % caches.length], inputs, shape.queryWidth(), out));
        }
        Arrays.stream(caches).forEach(DeviceBuffer::close);
    }

    /** The kernels between a layer's products. */
    private void betweenProducts(int fullTokens) {
        int tokens = Math.max(1, fullTokens / shrink);
        int width = 3584;
        int gates = 18_944;
        CacheShape shape = new CacheShape(Type.BF16, 28, 4, 128);
        RmsNorm norm = new RmsNorm(device, Type.BF16, 1e-6);
        QkvRope rope = new QkvRope(device, shape);
        SiluMul gate = new SiluMul(device, Type.BF16);
        DeviceBuffer[] x = copies((long) tokens * width, "tokens");
        DeviceBuffer[] gateUp = copies(2L * tokens * gates, "gates and ups");
        DeviceBuffer[] qkv = copies((long) tokens * shape.qkvWidth(), "queries, keys and values");
        long cacheBytes = (tokens / CacheShape.BLOCK_TOKENS + 1) * shape.blockBytes();
        try (DeviceBuffer weight = device.allocate((long) shape.qkvWidth() * Float.BYTES, "weights");
                DeviceBuffer y = device.allocate((long) tokens * gates * Type.BF16.bytes(), "results");
                DeviceBuffer cache = device.allocate(cacheBytes, "a layer's cache");
                DeviceBuffer angles = device.allocate(64L * tokens * Float.BYTES, "angles");
                DeviceBuffer slots = slots(tokens)) {
            stream.fill(weight, 0);
            stream.fill(angles, 0);
            Derived derived = new Derived(null, slots, null, angles, angles, null);
            timer.print(
                    "norm, %d tokens".formatted(tokens),
                    4.0 * tokens * width,
                    i -> norm.launch(stream, x[i % x.length], tokens, weight, width, width, y));
            timer.print(
                    "bias, rotation, cache, %d tokens".formatted(tokens),
                    4.0 * tokens * shape.qkvWidth(),
                    i -> rope.launch(stream, qkv[i % qkv.length], tokens, weight, derived, y, cache));
            timer.print(
                    "gate, %d tokens".formatted(tokens),
                    6.0 * tokens * gates,
                    i -> gate.launch(stream, gateUp[i % gateUp.length], tokens, gates, y));
        }
        for (DeviceBuffer[] all : new DeviceBuffer[][] {x, gateUp, qkv}) {
            Arrays.stream(all).forEach(DeviceBuffer::close);
        }
    }

    /** A slot of its own for each token. */
    private DeviceBuffer slots(int tokens) {
        DeviceBuffer slots = device.allocate((long) tokens * Long.BYTES, "slots");
        try (PinnedBuffer staged = device.allocatePinned(slots.bytes(), "slots")) {
            for (int token = 0; token < tokens; token++) {
                staged.bytes().putLong(token * Long.BYTES, token);
            }
            stream.copyToDevice(slots, 0, staged, 0, slots.bytes());
            stream.synchronize();
        }
        return slots;
    }

    /** Each sequence's next token; blocks in an order that jumps about. */
    private static ForwardBatch decode(int sequences, int context, int blocks) {
        int[] each = IntStream.range(0, sequences).toArray();
        int[] contexts = new int[sequences];
        Arrays.fill(contexts, context);
        int total = sequences * blocks;
        int step = total % 7919 == 0 ? 1 : 7919;
        int[] updates = IntStream.range(0, total)
                .flatMap(i -> IntStream.of(i / blocks, i % blocks, 1 + (int) ((long) i * step % total)))
                .toArray();
        return new ForwardBatch(
                0,
                new int[sequences],
                new int[sequences],
                new int[3 * sequences],
                IntStream.rangeClosed(0, sequences).toArray(),
                contexts,
                each,
                NONE,
                NONE,
                NONE,
                NONE,
                NONE,
                updates,
                NONE,
                List.of(),
                false);
    }
}
