package dev.millrace.cpu.weights;

import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig.TextConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The decoder's weights.
 *
 * @param embedding [V, D]
 * @param head [V, D]; the embedding itself where they are tied
 */
public record TextWeights(PackedMatrix embedding, List<Layer> layers, float[] norm, PackedMatrix head) {

    /**
     * One layer.
     *
     * @param qkv queries, keys and values, one after the other
     * @param gateUp 16 gates, 16 ups, in turn
     */
    public record Layer(
            float[] attentionNorm, Linear qkv, Linear output, float[] mlpNorm, Linear gateUp, Linear down) {}

    /** Loads a decoder. {@code exact} keeps weights that are stored with more than 16 bits as they are. */
    public static TextWeights load(WeightSource source, TextConfig config, boolean exact) {
        WeightLoader loader = new WeightLoader(source, exact);
        int hidden = config.hiddenSize();
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            layers.add(layer(loader, config, "model.layers." + i + "."));
        }
        PackedMatrix embedding = loader.matrix("model.embed_tokens.weight", config.vocabSize(), hidden);
        PackedMatrix head =
                config.tieWordEmbeddings() ? embedding : loader.matrix("lm_head.weight", config.vocabSize(), hidden);
        return new TextWeights(embedding, List.copyOf(layers), loader.norm("model.norm.weight", hidden), head);
    }

    private static Layer layer(WeightLoader loader, TextConfig config, String prefix) {
        int hidden = config.hiddenSize();
        int queries = config.numHeads() * config.headDim();
        int keys = config.numKeyValueHeads() * config.headDim();
        String[] names = {
            prefix + "self_attn.q_proj", prefix + "self_attn.k_proj", prefix + "self_attn.v_proj",
        };
        return new Layer(
                loader.norm(prefix + "input_layernorm.weight", hidden),
                loader.stacked(names, new int[] {queries, keys, keys}, hidden),
                loader.linear(prefix + "self_attn.o_proj", hidden, queries, false),
                loader.norm(prefix + "post_attention_layernorm.weight", hidden),
                loader.gateUp(prefix + "mlp", config.intermediateSize(), hidden, false),
                loader.linear(prefix + "mlp.down_proj", hidden, config.intermediateSize(), false));
    }
}
