package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.model.config.ModelConfig.TextConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The decoder's weights, or a rank's share of them: Hq, Hk and F are the share's.
 *
 * @param embedding [V, D], whole on every rank
 * @param norm fp32[D]
 * @param head [V, D], of which a rank has its rows; the embedding's own where they are tied
 */
public record TextWeights(Matrix embedding, List<Layer> layers, DeviceBuffer norm, Matrix head) {

    /**
     * One layer.
     *
     * @param attentionNorm fp32[D]
     * @param qkv queries, keys and values, one after the other
     * @param output [D, Hq·hd]
     * @param mlpNorm fp32[D]
     * @param gateUp gates and then ups, each with zeros up to the padded width F: [2F, D]
     * @param down [D, F]
     */
    public record Layer(
            DeviceBuffer attentionNorm, Linear qkv, Matrix output, DeviceBuffer mlpNorm, Matrix gateUp, Matrix down) {}

    /** Loads a rank's share of a decoder; its weights are there once the loader has finished. */
    public static TextWeights load(WeightLoader loader, TextConfig config, Share share) {
        int hidden = config.hiddenSize();
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            layers.add(layer(loader, config, share, "model.layers." + i + "."));
        }
        Part vocabulary = Part.matrix("model.embed_tokens.weight", config.vocabSize(), hidden);
        Matrix embedding = loader.matrix(vocabulary);
        Span rows = share.vocabulary(config);
        Matrix head = config.tieWordEmbeddings()
                ? embedding.rows(rows)
                : loader.matrix(Part.matrix("lm_head.weight", config.vocabSize(), hidden)
                        .rows(rows));
        DeviceBuffer norm = loader.vector(Part.vector("model.norm.weight", hidden));
        return new TextWeights(embedding, List.copyOf(layers), norm, head);
    }

    private static Layer layer(WeightLoader loader, TextConfig config, Share share, String prefix) {
        int hidden = config.hiddenSize();
        int queries = config.numHeads() * config.headDim();
        int inner = config.intermediateSize();
        Span width = share.width(config);
        int padded = Matrix.padded(width.count());
        return new Layer(
                loader.vector(Part.vector(prefix + "input_layernorm.weight", hidden)),
                qkv(loader, config, share, prefix + "self_attn."),
                loader.matrix(Part.matrix(prefix + "self_attn.o_proj.weight", hidden, queries)
                        .columns(share.queryHeads(config).times(config.headDim()))),
                loader.vector(Part.vector(prefix + "post_attention_layernorm.weight", hidden)),
                loader.matrix(
                        Part.matrix(prefix + "mlp.gate_proj.weight", inner, hidden)
                                .rows(width)
                                .paddedTo(padded),
                        Part.matrix(prefix + "mlp.up_proj.weight", inner, hidden)
                                .rows(width)
                                .paddedTo(padded)),
                loader.matrix(Part.matrix(prefix + "mlp.down_proj.weight", hidden, inner)
                        .columns(width)));
    }

    private static Linear qkv(WeightLoader loader, TextConfig config, Share share, String prefix) {
        int hidden = config.hiddenSize();
        Span queries = share.queryHeads(config).times(config.headDim());
        Span keys = share.keyHeads(config).times(config.headDim());
        return new Linear(
                loader.matrix(
                        Part.matrix(prefix + "q_proj.weight", queries.of(), hidden)
                                .rows(queries),
                        Part.matrix(prefix + "k_proj.weight", keys.of(), hidden).rows(keys),
                        Part.matrix(prefix + "v_proj.weight", keys.of(), hidden).rows(keys)),
                loader.vector(
                        Part.vector(prefix + "q_proj.bias", queries.of()).rows(queries),
                        Part.vector(prefix + "k_proj.bias", keys.of()).rows(keys),
                        Part.vector(prefix + "v_proj.bias", keys.of()).rows(keys)));
    }
}
