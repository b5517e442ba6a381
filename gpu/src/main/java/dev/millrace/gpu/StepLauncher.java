package dev.millrace.gpu;

import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.gpu.step.SingleTokens;
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
    private final Drafter drafter; // null without a draft model

    StepLauncher(
            Probing model,
            StepLimits limits,
            DecodeSizes sizes,
            Stream stream,
            GpuTextOperations text,
            DecodeGraphs graphs,
            Drafter drafter) {
        this.model = model;
        this.limits = limits;
        this.sizes = sizes;
        this.stream = stream;
        this.text = text;
        this.graphs = graphs;
        this.drafter = drafter;
    }

    /** @throws IllegalArgumentException if the step asks for what is not there */
    void launch(ForwardBatch batch, StepSlot slot) {
        limits.check(batch);
        if (batch.draft() != null && drafter == null) {
            throw new IllegalArgumentException(
                    "step " + batch.step() + " asks for drafts, but there is no draft model");
        }
        ForwardBatch single = SingleTokens.of(batch);
        boolean decode = sizes.isDecode(single);
        int size = decode ? sizes.indexFor(single.numSequences()) : -1;
        text.bind(single, decode ? sizes.size(size) - single.numSequences() : 0, slot.index());
        slot.start(stream); // not before its inputs: their making is the host's time
        if (drafter != null) {
            draft(batch, slot.index());
        }
        if (decode && graphs.has(size) && !model.isOn() && batch.copyPairs().length == 0) {
            graphs.launch(size);
        } else {
            model.forward(text);
        }
        text.accept();
        slot.finish(stream, batch);
    }

    private void draft(ForwardBatch batch, int slot) {
        int copies = batch.copyPairs().length / 2;
        if (copies > 0) {
            drafter.copyBlocks(text.copyPairList(), copies);
        }
        drafter.launch(batch, slot);
    }

    /** Whether the step is computed as one of single tokens. */
    boolean isDecode(ForwardBatch batch) {
        return sizes.isDecode(SingleTokens.of(batch));
    }

    /** Shows the probe all that is launched from now on; null: no longer. */
    void probe(Probe probe) {
        model.show(probe);
    }
}
