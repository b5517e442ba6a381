package dev.millrace.gpu;

import dev.millrace.gpu.device.Graph;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.forward.Qwen25Vl;
import java.util.List;

/** A decode step's work from its inputs to its tokens, captured once for each size and launched as a whole. */
final class DecodeGraphs {

    private static final int[] NONE = {};
    private static final ForwardBatch NO_SEQUENCES = new ForwardBatch(
            -1, NONE, NONE, NONE, new int[1], NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, List.of(), false);

    private final Stream stream;
    private final Graph[] graphs;

    private DecodeGraphs(Stream stream, Graph[] graphs) {
        this.stream = stream;
        this.graphs = graphs;
    }

    /** No graph at all: each kernel is launched by itself. */
    static DecodeGraphs none(Stream stream) {
        return new DecodeGraphs(stream, new Graph[0]);
    }

    /** Captures every size; each ran before, so that nothing is loaded or chosen for the first time in a capture. */
    static DecodeGraphs capture(Stream stream, Qwen25Vl model, GpuTextOperations text, DecodeSizes sizes) {
        Graph[] graphs = new Graph[sizes.count()];
        for (int i = graphs.length - 1; i >= 0; i--) {
            text.bind(NO_SEQUENCES, sizes.size(i), 0);
            model.forward(text);
            stream.synchronize();
            graphs[i] = stream.capture(() -> model.forward(text));
        }
        return new DecodeGraphs(stream, graphs);
    }

    /** Whether the size with that index was captured. */
    boolean has(int index) {
        return index < graphs.length;
    }

    void launch(int index) {
        stream.launch(graphs[index]);
    }
}
