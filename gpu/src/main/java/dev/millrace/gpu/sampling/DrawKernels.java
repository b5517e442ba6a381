package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Kernel;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.Module;
import dev.millrace.gpu.device.Stream;

/** The five kernels of a draw ({@code sample.cu}), launched one after the other whatever the rows ask for. */
final class DrawKernels {

    private static final int SCAN_THREADS = 256;
    private static final int ROW_THREADS = 512;

    private final Kernel scan;
    private final Kernel histogram;
    private final Kernel bounds;
    private final Kernel gather;
    private final Kernel choose;
    private final KernelArguments arguments;
    private final RowState rows;
    private final SampleScratch scratch;

    DrawKernels(Device device, RowState rows, SampleScratch scratch) {
        Module module = device.load("sample");
        scan = module.kernel("sample_scan");
        histogram = module.kernel("sample_histogram");
        bounds = module.kernel("sample_bounds");
        gather = module.kernel("sample_gather");
        choose = module.kernel("sample_choose");
        arguments = device.newArguments();
        this.rows = rows;
        this.scratch = scratch;
    }

    /** tokens[R] ← draws from logits[R, stride]. */
    void launch(Stream stream, DeviceBuffer logits, int stride, SampleInputs inputs, DeviceBuffer tokens) {
        int chunks = SampleScratch.chunks(rows.vocabSize());
        Grid everyChunk = Grid.of(chunks, inputs.samples(), SCAN_THREADS);
        Grid everySample = Grid.of(inputs.samples(), ROW_THREADS);
        withInputs(logits, stride, inputs)
                .pointer(scratch.scores)
                .pointer(scratch.ids)
                .pointer(scratch.maxima);
        scan.launchOverlapping(stream, everyChunk, arguments);
        arguments.reset().pointer(logits).intValue(stride).pointer(inputs.sampleRow());
        rows.appendTo(arguments)
                .intValue(rows.dummyRow())
                .pointer(scratch.maxima)
                .pointer(scratch.binCounts)
                .pointer(scratch.binMasses);
        histogram.launchOverlapping(stream, everyChunk, arguments);
        arguments
                .reset()
                .pointer(inputs.sampleRow())
                .pointer(rows.fields())
                .intValue(rows.dummyRow())
                .pointer(scratch.binCounts)
                .pointer(scratch.binMasses)
                .pointer(scratch.bounds)
                .pointer(scratch.lengths);
        bounds.launchOverlapping(stream, everySample, arguments);
        withInputs(logits, stride, inputs)
                .pointer(scratch.maxima)
                .pointer(scratch.bounds)
                .pointer(scratch.scores)
                .pointer(scratch.ids)
                .pointer(scratch.lengths)
                .pointer(scratch.lists);
        gather.launchOverlapping(stream, everyChunk, arguments);
        withInputs(logits, stride, inputs)
                .intValue(chunks)
                .pointer(scratch.maxima)
                .pointer(scratch.bounds)
                .pointer(scratch.scores)
                .pointer(scratch.ids)
                .pointer(scratch.lengths)
                .pointer(scratch.lists)
                .pointer(tokens)
                .pointer(rows.lastTokens());
        choose.launchOverlapping(stream, everySample, arguments);
    }

    private KernelArguments withInputs(DeviceBuffer logits, int stride, SampleInputs inputs) {
        arguments
                .reset()
                .pointer(logits)
                .intValue(stride)
                .pointer(inputs.sampleToken())
                .pointer(inputs.sampleRow())
                .pointer(inputs.sequences())
                .pointer(inputs.cuQ())
                .pointer(inputs.contextLength());
        return rows.appendTo(arguments).intValue(rows.dummyRow());
    }
}
