package dev.millrace.gpu;

import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Probe;

/** Queues a step's work on the device without waiting for it. For one thread, and another that encodes. */
final class StepLauncher {

    private final Probing model;
    private final StepLimits limits;
    private final DecodeSizes sizes;
    private final Stream stream;
    private final MediaEncoder media;
    private final GpuTextOperations text;
    private final DecodeGraphs graphs;

    StepLauncher(
            Probing model,
            StepLimits limits,
            DecodeSizes sizes,
            Stream stream,
            MediaEncoder media,
            GpuTextOperations text,
            DecodeGraphs graphs) {
        this.model = model;
        this.limits = limits;
        this.sizes = sizes;
        this.stream = stream;
        this.media = media;
        this.text = text;
        this.graphs = graphs;
    }

    /** @throws IllegalArgumentException if the step asks for what is not there */
    void launch(ForwardBatch batch, StepSlot slot) {
        limits.check(batch);
        slot.start(stream);
        boolean decode = sizes.isDecode(batch);
        int size = decode ? sizes.indexFor(batch.numSequences()) : -1;
        text.bind(batch, decode ? sizes.size(size) - batch.numSequences() : 0, slot.index());
        if (decode && graphs.has(size) && !model.isOn() && batch.copyPairs().length == 0) {
            graphs.launch(size);
        } else {
            model.forward(text);
        }
        media.release(batch, stream);
        slot.finish(stream, batch);
    }

    /** Shows the probe all that is launched from now on; null: no longer. */
    void probe(Probe probe) {
        model.show(probe);
    }

    /**
     * Encodes media beside the steps, and waits for it.
     *
     * @throws IllegalArgumentException if it asks for what is not there
     */
    void encode(EncoderBatch batch) {
        limits.check(batch);
        media.encode(batch.media());
    }

    /** Rows of the media buffer, once all that was launched is done. */
    float[] readMedia(int[] rows) {
        stream.synchronize();
        return media.read(rows);
    }
}
