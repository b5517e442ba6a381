package dev.millrace.gpu;

import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Probe;

/** Queues a step's work on the device without waiting for it. For one thread. */
final class StepLauncher {

    private final Probing model;
    private final StepLimits limits;
    private final DecodeSizes sizes;
    private final Stream stream;
    private final GpuTextOperations text;
    private final DecodeGraphs graphs;

    StepLauncher(
            Probing model,
            StepLimits limits,
            DecodeSizes sizes,
            Stream stream,
            GpuTextOperations text,
            DecodeGraphs graphs) {
        this.model = model;
        this.limits = limits;
        this.sizes = sizes;
        this.stream = stream;
        this.text = text;
        this.graphs = graphs;
    }

    /** @throws IllegalArgumentException if the step asks for what is not there */
    void launch(ForwardBatch batch, StepSlot slot) {
        limits.check(batch);
        boolean decode = isDecode(batch);
        int size = decode ? sizes.indexFor(batch.numSequences()) : -1;
        text.bind(batch, decode ? sizes.size(size) - batch.numSequences() : 0, slot.index());
        slot.start(stream); // not before its inputs: their making is the host's time
        if (decode && graphs.has(size) && !model.isOn() && batch.copyPairs().length == 0) {
            graphs.launch(size);
        } else {
            model.forward(text);
        }
        slot.finish(stream, batch);
    }

    /** Whether the step is one of single tokens. */
    boolean isDecode(ForwardBatch batch) {
        return sizes.isDecode(batch);
    }

    /** Shows the probe all that is launched from now on; null: no longer. */
    void probe(Probe probe) {
        model.show(probe);
    }
}
