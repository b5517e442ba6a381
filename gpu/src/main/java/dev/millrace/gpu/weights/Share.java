package dev.millrace.gpu.weights;

import dev.millrace.gpu.kernel.GatherColumns;
import dev.millrace.model.config.ModelConfig.TextConfig;

/**
 * What one of the GPUs that share a decoder has of it: some attention heads, some of the MLP's width, some of the vocabulary;
 * where there are more ranks than key-value heads, several ranks have the same one. What a rank makes of the residual
 * stream adds up over the ranks (Shoeybi and others, "Megatron-LM", 2019).
 *
 * @param ranks how many GPUs share it
 */
public record Share(int rank, int ranks) {

    /** All of it. */
    public static final Share WHOLE = new Share(0, 1);

    /** @throws IllegalArgumentException if so many GPUs cannot share the decoder evenly */
    public static void check(TextConfig config, int ranks) {
        int keys = config.numKeyValueHeads();
        if (ranks < 1
                || config.numHeads() % ranks != 0
                || keys % ranks != 0 && ranks % keys != 0
                || config.intermediateSize() % ranks != 0) {
            throw new IllegalArgumentException(
                    "--tensor-parallel-size is %d; it must divide the model's %d attention heads and its MLP width of %d, and divide its %d key-value heads or be a multiple of them"
                            .formatted(ranks, config.numHeads(), config.intermediateSize(), keys));
        }
    }

    /** A rank's own part as a decoder, with the whole hidden size and vocabulary. */
    public TextConfig of(TextConfig whole) {
        return new TextConfig(
                whole.vocabSize(),
                whole.hiddenSize(),
                width(whole).count(),
                whole.numLayers(),
                queryHeads(whole).count(),
                keyHeads(whole).count(),
                whole.headDim(),
                whole.maxPositionEmbeddings(),
                whole.rmsNormEps(),
                whole.ropeTheta(),
                whole.mropeSection(),
                whole.tieWordEmbeddings(),
                whole.bosTokenId(),
                whole.eosTokenIds());
    }

    Span queryHeads(TextConfig whole) {
        return evenly(whole.numHeads());
    }

    Span keyHeads(TextConfig whole) {
        int heads = whole.numKeyValueHeads();
        return heads >= ranks ? evenly(heads) : new Span(rank * heads / ranks, 1, heads);
    }

    Span width(TextConfig whole) {
        return evenly(whole.intermediateSize());
    }

    /** Those rows of the head whose logits this rank computes. */
    Span vocabulary(TextConfig whole) {
        int size = whole.vocabSize();
        int first = GatherColumns.firstColumn(size, rank, ranks);
        return new Span(first, GatherColumns.firstColumn(size, rank + 1, ranks) - first, size);
    }

    private Span evenly(int of) {
        return new Span(of / ranks * rank, of / ranks, of);
    }
}
