package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Kernel;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.Module;
import dev.millrace.gpu.device.Stream;

/** The five kernels that log-probabilities take ({@code top_logprobs.cu}) and what they hand to each other. */
final class LogprobKernels {

    private static final int SCAN_THREADS = 256;
    private static final int ROW_THREADS = 512;

    private final Kernel scan;
    private final Kernel histogram;
    private final Kernel bounds;
    private final Kernel gather;
    private final Kernel choose;
    private final KernelArguments arguments;
    private final int vocabSize;
    private final Scratch scratch;

    /** Kept apart from the draw's, which may be filled again before these are read. */
    private record Scratch(
            DeviceBuffer maxima,
            DeviceBuffer sums,
            DeviceBuffer above,
            DeviceBuffer binCounts,
            DeviceBuffer last,
            DeviceBuffer lengths,
            DeviceBuffer lists) {}

    LogprobKernels(Device device, Arena arena, int vocabSize, int maxSamples) {
        Module module = device.load("top_logprobs");
        scan = module.kernel("logprob_scan");
        histogram = module.kernel("logprob_histogram");
        bounds = module.kernel("logprob_bounds");
        gather = module.kernel("logprob_gather");
        choose = module.kernel("logprob_choose");
        arguments = device.newArguments();
        this.vocabSize = vocabSize;
        scratch = scratch(arena, vocabSize, maxSamples);
    }

    /** Takes the device memory that these need. */
    static void take(Arena arena, int vocabSize, int maxSamples) {
        scratch(arena, vocabSize, maxSamples);
    }

    private static Scratch scratch(Arena arena, int vocabSize, int samples) {
        long chunks = (long) samples * SampleScratch.chunks(vocabSize);
        return new Scratch(
                arena.take(chunks * Float.BYTES),
                arena.take(chunks * Double.BYTES),
                arena.take(chunks * Integer.BYTES),
                arena.take((long) samples * SampleScratch.BINS * Integer.BYTES),
                arena.take((long) samples * Integer.BYTES),
                arena.take((long) samples * Integer.BYTES),
                arena.take((long) samples * SampleScratch.LIST * Long.BYTES));
    }

    /** @param wanted int32[count, 4], as the kernels' file describes it, as it does {@code answers} */
    void launch(
            Stream stream,
            DeviceBuffer logits,
            int stride,
            DeviceBuffer tokens,
            DeviceBuffer wanted,
            int count,
            DeviceBuffer answers) {
        int chunks = SampleScratch.chunks(vocabSize);
        Grid everyChunk = Grid.of(chunks, count, SCAN_THREADS);
        Grid everySample = Grid.of(count, ROW_THREADS);
        of(logits, stride)
                .pointer(tokens)
                .pointer(wanted)
                .pointer(scratch.maxima)
                .pointer(scratch.sums)
                .pointer(scratch.above);
        scan.launch(stream, everyChunk, arguments);
        of(logits, stride).pointer(wanted).pointer(scratch.maxima).pointer(scratch.binCounts);
        histogram.launch(stream, everyChunk, arguments);
        arguments
                .reset()
                .pointer(wanted)
                .pointer(scratch.binCounts)
                .pointer(scratch.last)
                .pointer(scratch.lengths);
        bounds.launch(stream, everySample, arguments);
        of(logits, stride)
                .pointer(wanted)
                .pointer(scratch.maxima)
                .pointer(scratch.last)
                .pointer(scratch.lengths)
                .pointer(scratch.lists);
        gather.launch(stream, everyChunk, arguments);
        of(logits, stride)
                .pointer(tokens)
                .pointer(wanted)
                .intValue(chunks)
                .pointer(scratch.maxima)
                .pointer(scratch.sums)
                .pointer(scratch.above)
                .pointer(scratch.lengths)
                .pointer(scratch.lists)
                .pointer(answers);
        choose.launch(stream, everySample, arguments);
    }

    private KernelArguments of(DeviceBuffer logits, int stride) {
        return arguments.reset().pointer(logits).intValue(stride).intValue(vocabSize);
    }
}
