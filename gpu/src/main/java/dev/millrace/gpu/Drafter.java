package dev.millrace.gpu;

import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.gpu.step.DraftPass;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.forward.Qwen25Vl;

/**
 * Makes a step's drafts behind its inputs, on the same stream: the draft model runs as often as a sequence gets drafts, and
 * each draft goes to its place in the step and to the next run on the device. Its weights and cache are its own, blocks, rows
 * and samplers the step's. Where GPUs share a model each has all of the draft model and makes the same drafts.
 */
final class Drafter {

    private final Qwen25Vl model;
    private final GpuTextOperations text;
    private final DecodeSizes sizes;
    private final DecodeGraphs graphs;
    private final StepLimits limits;

    /**
     * @param text the draft model's
     * @param limits of the steps that drafts are made for, with the draft model's vocabulary
     */
    Drafter(Qwen25Vl model, GpuTextOperations text, DecodeSizes sizes, DecodeGraphs graphs, StepLimits limits) {
        this.model = model;
        this.text = text;
        this.sizes = sizes;
        this.graphs = graphs;
        this.limits = limits;
    }

    /** Copies blocks as the step does; pairs i[count, 2] are on the device. */
    void copyBlocks(long pairs, int count) {
        text.copyBlocks(pairs, count);
    }

    /** Queues what the draft model has to do for the step, if anything. */
    void launch(ForwardBatch step, int slot) {
        if (step.draft() == null) {
            return;
        }
        int staging = slot * limits.drafts();
        run(DraftPass.first(step, limits.vocabSize(), limits.rows()), staging);
        for (int drafted = 1; drafted < step.draft().mostDrafts(); drafted++) {
            run(DraftPass.next(step, drafted, limits.rows()), staging + drafted);
        }
    }

    private void run(DraftPass pass, int staging) {
        ForwardBatch batch = pass.batch();
        boolean decode = sizes.isDecode(batch);
        int size = decode ? sizes.indexFor(batch.numSequences()) : -1;
        text.bind(pass, decode ? sizes.size(size) - batch.numSequences() : 0, staging);
        if (decode && graphs.has(size)) {
            graphs.launch(size);
        } else {
            model.forward(text);
        }
    }
}
