package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.SingleTokens;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Measures attention of sequences that verify drafts, at the 7B model's shape: as single tokens and as small prompts. From
 * this follows where {@code SingleTokens} takes a context for long. Arguments: the bandwidth in TB/s that shares are of, and
 * a number that sizes are divided by.
 */
public final class DraftAttentionBenchmark {

    private static final CacheShape SHAPE = new CacheShape(Type.BF16, 28, 4, 128);
    private static final long BEYOND_CACHE = 1_000_000_000;
    private static final int DRAFTS = 3;
    private static final int TOKENS = DRAFTS + 1;
    private static final int[] NONE = {};

    private final Device device;
    private final Stream stream;
    private final GraphTimer timer;
    private final RandomFill fill;

    private DraftAttentionBenchmark(Device device, double bandwidth) {
        this.device = device;
        stream = device.newStream();
        timer = new GraphTimer(device, stream, bandwidth);
        fill = new RandomFill(device);
    }

    public static void main(String[] args) {
        double bandwidth = 1e12 * (args.length > 0 ? Double.parseDouble(args[0]) : 4.27);
        int shrink = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        try (Device device = Device.open(0)) {
            var benchmark = new DraftAttentionBenchmark(device, bandwidth);
            for (int sequences : new int[] {1, 8, 64}) {
                for (int context : new int[] {256, 1024, 2048, SingleTokens.LONG_CONTEXT - 1}) {
                    benchmark.measure(Math.max(1, sequences / shrink), Math.max(TOKENS, context / shrink));
                }
            }
        }
    }

    private void measure(int sequences, int context) {
        int tokens = sequences * TOKENS;
        int blocks = (context + CacheShape.BLOCK_TOKENS - 1) / CacheShape.BLOCK_TOKENS;
        int numBlocks = sequences * blocks + 1;
        ForwardBatch batch = batch(sequences, context, blocks);
        var limits = new StepLimits(tokens, sequences, blocks, numBlocks, 0, 1, DRAFTS);
        StepInputs whole = staged(batch, limits);
        StepInputs single = staged(SingleTokens.of(batch), limits);
        var decode =
                new DecodeAttention(device, SHAPE, tokens, (long) tokens * DecodeAttention.splits(context), DRAFTS);
        decode.plan(stream, single);
        var prefill = new PrefillAttention(device, SHAPE, tokens, sequences);
        long bytes = numBlocks * SHAPE.blockBytes();
        DeviceBuffer[] caches = new DeviceBuffer[(int) Math.max(1, Math.min(64, BEYOND_CACHE / bytes))];
        Arrays.setAll(caches, i -> random(bytes / Type.BF16.bytes()));
        try (DeviceBuffer q = random((long) tokens * SHAPE.queryWidth());
                DeviceBuffer out = device.allocate(q.bytes(), "attended values")) {
            String what = "%d sequences of %d tokens, %d drafts, ".formatted(sequences, context, DRAFTS);
            timer.print(
                    what + "single",
                    bytes,
                    i -> decode.launch(stream, q, caches[i % caches.length], single, SHAPE.queryWidth(), out));
            timer.print(
                    what + "whole",
                    bytes,
                    i -> prefill.launch(stream, q, caches[i % caches.length], whole, 0, SHAPE.queryWidth(), out));
        }
        Arrays.stream(caches).forEach(DeviceBuffer::close);
    }

    private StepInputs staged(ForwardBatch batch, StepLimits limits) {
        StepInputs inputs = new StepInputs(device, limits, 1);
        inputs.stage(stream, batch, 0, 0);
        if (inputs.tableUpdates() > 0) { // else the tables came whole
            new Prepare(device, SHAPE, null).updateTables(stream, inputs);
        }
        return inputs;
    }

    private DeviceBuffer random(long values) {
        DeviceBuffer buffer = device.allocate(values * Type.BF16.bytes(), "a benchmark's values");
        fill.uniform(stream, Type.BF16, values, 1, 1, values, values, buffer);
        return buffer;
    }

    /** Sequences that are sampled from behind each of their tokens. */
    private static ForwardBatch batch(int sequences, int context, int blocks) {
        int tokens = sequences * TOKENS;
        int[] contexts = new int[sequences];
        Arrays.fill(contexts, context);
        int[] minusOnes = new int[tokens];
        Arrays.fill(minusOnes, -1);
        return new ForwardBatch(
                0,
                new int[tokens],
                minusOnes,
                new int[3 * tokens],
                IntStream.rangeClosed(0, sequences).map(s -> s * TOKENS).toArray(),
                contexts,
                IntStream.range(0, sequences).toArray(),
                IntStream.range(0, tokens).toArray(),
                IntStream.range(0, tokens).map(t -> t / TOKENS).toArray(),
                minusOnes,
                NONE,
                NONE,
                IntStream.range(0, sequences * blocks)
                        .flatMap(i -> IntStream.of(i / blocks, i % blocks, 1 + i))
                        .toArray(),
                NONE,
                List.of(),
                false);
    }
}
