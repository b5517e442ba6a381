package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Kernel;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.Module;
import dev.millrace.gpu.device.Stream;

/**
 * The five kernels of a draw ({@code sample.cu}), launched one after the other whatever the rows ask for, and the one that
 * accepts drafts ({@code accept_drafts.cu}).
 */
final class DrawKernels {

    private static final int SCAN_THREADS = 256;
    private static final int ROW_THREADS = 512;
    private static final int ACCEPT_THREADS = 128;

    private final Kernel scan;
    private final Kernel histogram;
    private final Kernel bounds;
    private final Kernel gather;
    private final Kernel choose;
    private final Kernel accept;
    private final KernelArguments arguments;
    private final RowState rows;
    private final SampleScratch scratch;
    private final DeviceBuffer masks;

    /** @param masks u32[., ⌈V/32⌉] of the step */
    DrawKernels(Device device, RowState rows, SampleScratch scratch, DeviceBuffer masks) {
        Module module = device.load("sample");
        scan = module.kernel("sample_scan");
        histogram = module.kernel("sample_histogram");
        bounds = module.kernel("sample_bounds");
        gather = module.kernel("sample_gather");
        choose = module.kernel("sample_choose");
        accept = device.load("accept_drafts").kernel("accept_drafts");
        arguments = device.newArguments();
        this.rows = rows;
        this.scratch = scratch;
        this.masks = masks;
    }

    /** tokens[R] ← draws from logits[R, stride], which become their rows' last tokens. */
    void draw(Stream stream, DeviceBuffer logits, int stride, SampleInputs inputs, DeviceBuffer tokens) {
        launch(stream, logits, stride, inputs, false, tokens, rows.lastTokens());
    }

    /** The step's ids behind each sample's drafts ← draws from logits[R, stride]; so lastTokens i[rows+1]. */
    void draft(
            Stream stream,
            DeviceBuffer logits,
            int stride,
            SampleInputs inputs,
            DeviceBuffer tokens,
            DeviceBuffer lastTokens) {
        launch(stream, logits, stride, inputs, true, tokens, lastTokens);
    }

    /** Notes in the rows' state what was accepted of their drafts, and the token behind it. */
    void accept(Stream stream, SampleInputs inputs, DeviceBuffer tokens) {
        arguments
                .reset()
                .pointer(inputs.draws())
                .intValue(inputs.samples())
                .pointer(inputs.stepIds())
                .pointer(tokens);
        rows.appendTo(arguments).intValue(rows.dummyRow()).pointer(rows.lastTokens());
        int blocks = (inputs.samples() + ACCEPT_THREADS - 1) / ACCEPT_THREADS;
        accept.launch(stream, Grid.of(blocks, ACCEPT_THREADS), arguments);
    }

    private void launch(
            Stream stream,
            DeviceBuffer logits,
            int stride,
            SampleInputs inputs,
            boolean drafting,
            DeviceBuffer tokens,
            DeviceBuffer lastTokens) {
        int chunks = SampleScratch.chunks(rows.vocabSize());
        Grid everyChunk = Grid.of(chunks, inputs.samples(), SCAN_THREADS);
        Grid everySample = Grid.of(inputs.samples(), ROW_THREADS);
        withInputs(logits, stride, inputs)
                .pointer(scratch.scores)
                .pointer(scratch.ids)
                .pointer(scratch.maxima);
        scan.launchOverlapping(stream, everyChunk, arguments);
        withInputs(logits, stride, inputs)
                .pointer(scratch.maxima)
                .pointer(scratch.binCounts)
                .pointer(scratch.binMasses);
        histogram.launchOverlapping(stream, everyChunk, arguments);
        arguments
                .reset()
                .pointer(inputs.draws())
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
                .intValue(drafting ? 1 : 0)
                .pointer(scratch.maxima)
                .pointer(scratch.bounds)
                .pointer(scratch.scores)
                .pointer(scratch.ids)
                .pointer(scratch.lengths)
                .pointer(scratch.lists)
                .pointer(tokens)
                .pointer(lastTokens);
        choose.launchOverlapping(stream, everySample, arguments);
    }

    private KernelArguments withInputs(DeviceBuffer logits, int stride, SampleInputs inputs) {
        arguments
                .reset()
                .pointer(logits)
                .intValue(stride)
                .pointer(inputs.draws())
                .pointer(inputs.stepIds())
                .pointer(masks);
        return rows.appendTo(arguments).intValue(rows.dummyRow());
    }
}
