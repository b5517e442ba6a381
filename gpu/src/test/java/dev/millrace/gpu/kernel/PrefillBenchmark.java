package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Measures attention of whole prompts in one layer of the 7B model. An argument divides the prompts' lengths and number (to
 * try it on the emulator, say).
 */
public final class PrefillBenchmark {

    private static final CacheShape SHAPE = new CacheShape(Type.BF16, 28, 4, 128);
    private static final int[] NONE = {};

    private PrefillBenchmark() {}

    public static void main(String[] args) {
        int shrink = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        try (Device device = Device.open(0)) {
            Stream stream = device.newStream();
            for (int[] work : new int[][] {{1, 8192}, {1, 32_768}, {16, 1024}, {256, 128}}) {
                measure(device, stream, Math.max(1, work[0] / shrink), work[1] / shrink);
            }
        }
    }

    private static void measure(Device device, Stream stream, int sequences, int length) {
        int blocks = (length + CacheShape.BLOCK_TOKENS - 1) / CacheShape.BLOCK_TOKENS;
        int tokens = sequences * length;
        int numBlocks = sequences * blocks + 1;
        StepInputs inputs = new StepInputs(device, new StepLimits(tokens, sequences, blocks, numBlocks, 0, 1), 1);
        inputs.stage(stream, prompts(sequences, length, blocks), 0, 0);
        new Prepare(device, SHAPE, null).updateTables(stream, inputs);
        PrefillAttention attention = new PrefillAttention(device, SHAPE, tokens, sequences);
        try (DeviceBuffer cache = random(device, stream, numBlocks * SHAPE.blockBytes() / Type.BF16.bytes());
                DeviceBuffer q = random(device, stream, (long) tokens * SHAPE.queryWidth());
                DeviceBuffer out = device.allocate(q.bytes(), "attended values")) {
            double pairs = sequences * (length * (length + 1.0) / 2);
            new EventTimer(device, stream)
                    .print(
                            "attention, %d prompts of %d tokens".formatted(sequences, length),
                            4 * pairs * SHAPE.queryWidth(),
                            0,
                            () -> attention.launch(stream, q, cache, inputs, 0, SHAPE.queryWidth(), out));
        }
    }

    private static DeviceBuffer random(Device device, Stream stream, long values) {
        DeviceBuffer buffer = device.allocate(values * Type.BF16.bytes(), "a benchmark's values");
        new RandomFill(device).uniform(stream, Type.BF16, values, 1, 1, values, values, buffer);
        return buffer;
    }

    private static ForwardBatch prompts(int sequences, int length, int blocks) {
        int tokens = sequences * length;
        int[] contexts = new int[sequences];
        Arrays.fill(contexts, length);
        int[] updates = IntStream.range(0, sequences * blocks)
                .flatMap(i -> IntStream.of(i / blocks, i % blocks, 1 + i))
                .toArray();
        return new ForwardBatch(
                0,
                new int[tokens],
                new int[tokens],
                new int[3 * tokens],
                IntStream.rangeClosed(0, sequences).map(s -> s * length).toArray(),
                contexts,
                IntStream.range(0, sequences).toArray(),
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
