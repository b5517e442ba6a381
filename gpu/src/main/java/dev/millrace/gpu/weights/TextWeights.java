package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.model.config.ModelConfig.TextConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The decoder's weights.
 *
 * @param embedding [V, D]
 * @param norm fp32[D]
 * @param head [V, D]; the embedding itself where they are tied
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

    /** Loads a decoder; its weights are there once the loader has finished. */
    public static TextWeights load(WeightLoader loader, TextConfig config) {
        int hidden = config.hiddenSize();
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            layers.add(layer(loader, config, "model.layers." + i + "."));
        }
        Matrix embedding = vocabulary(loader, config, "model.embed_tokens.weight");
        Matrix head = config.tieWordEmbeddings() ? embedding : vocabulary(loader, config, "lm_head.weight");
        DeviceBuffer norm = loader.vector(Part.vector("model.norm.weight", hidden));
        return new TextWeights(embedding, List.copyOf(layers), norm, head);
    }

    private static Matrix vocabulary(WeightLoader loader, TextConfig config, String name) {
        return loader.matrix(config.hiddenSize(), Part.matrix(name, config.vocabSize(), config.hiddenSize()));
    }

    private static Layer layer(WeightLoader loader, TextConfig config, String prefix) {
        int hidden = config.hiddenSize();
        int queries = config.numHeads() * config.headDim();
        int width = config.intermediateSize();
        int padded = Matrix.padded(width);
        return new Layer(
                loader.vector(Part.vector(prefix + "input_layernorm.weight", hidden)),
                qkv(loader, config, prefix + "self_attn."),
                loader.matrix(queries, Part.matrix(prefix + "self_attn.o_proj.weight", hidden, queries)),
                loader.vector(Part.vector(prefix + "post_attention_layernorm.weight", hidden)),
                loader.matrix(
                        hidden,
                        Part.matrix(prefix + "mlp.gate_proj.weight", width, hidden)
                                .paddedTo(padded),
                        Part.matrix(prefix + "mlp.up_proj.weight", width, hidden)
                                .paddedTo(padded)),
                loader.matrix(width, Part.matrix(prefix + "mlp.down_proj.weight", hidden, width)));
    }

    private static Linear qkv(WeightLoader loader, TextConfig config, String prefix) {
        int hidden = config.hiddenSize();
        int queries = config.numHeads() * config.headDim();
        int keys = config.numKeyValueHeads() * config.headDim();
        return new Linear(
                loader.matrix(
                        hidden,
                        Part.matrix(prefix + "q_proj.weight", queries, hidden),
                        Part.matrix(prefix + "k_proj.weight", keys, hidden),
                        Part.matrix(prefix + "v_proj.weight", keys, hidden)),
                loader.vector(
                        Part.vector(prefix + "q_proj.bias", queries),
                        Part.vector(prefix + "k_proj.bias", keys),
                        Part.vector(prefix + "v_proj.bias", keys)));
    }
}
