package dev.millrace.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.JsonObject;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Reads {@code config.json}, in the flat layout that the checkpoints were published with and in the nested one that
 * transformers 5 writes ({@code text_config}, {@code rope_parameters}, {@code dtype}). A model that would not be computed
 * faithfully is refused.
 */
public final class ModelConfigReader {

    private static final String VISION_LANGUAGE = "Qwen2_5_VLForConditionalGeneration";
    private static final List<String> ARCHITECTURES = List.of(VISION_LANGUAGE, "Qwen2ForCausalLM");
    private static final List<String> DTYPES = List.of("bfloat16", "float16", "float32");

    private final JsonObject root;
    private final JsonObject text; // the decoder's fields: nested, or the root itself

    private ModelConfigReader(JsonObject root) {
        this.root = root;
        this.text = root.has("text_config") ? root.object("text_config") : root;
    }

    /**
     * Reads a model folder's configuration. The end-of-sequence tokens are those of {@code config.json} and of
     * {@code generation_config.json}.
     *
     * @throws CheckpointException if a file cannot be read, or the model it describes is impossible or not supported
     */
    public static ModelConfig read(Path folder) {
        var reader = new ModelConfigReader(JsonObject.read(folder.resolve("config.json")));
        return reader.model(GenerationConfig.read(folder).eosTokenIds());
    }

    private ModelConfig model(int[] generationEos) {
        String architecture = architecture();
        refuseUnsupported();
        TextConfig decoder = decoder(generationEos);
        VisionConfig vision = null;
        if (architecture.equals(VISION_LANGUAGE)) {
            if (decoder.mropeSection() == null) {
                throw root.error("the rope parameters have no mrope_section, which " + architecture + " needs");
            }
            vision = new VisionConfigReader(root, decoder).read();
        }
        return new ModelConfig(architecture, dtype(), decoder, vision);
    }

    private String architecture() {
        JsonNode names = root.get("architectures");
        for (JsonNode name : names) {
            if (ARCHITECTURES.contains(name.asText())) {
                return name.asText();
            }
        }
        throw root.error("architectures " + names + " are not supported; supported are " + ARCHITECTURES);
    }

    private void refuseUnsupported() {
        if (text.flag("use_sliding_window", false)) {
            throw text.error("use_sliding_window is true; only attention over the whole context is supported");
        }
        if (text.has("layer_types")) {
            for (JsonNode type : text.get("layer_types")) {
                if (!type.asText().equals("full_attention")) {
                    throw text.error("layer_types has " + type + "; supported is \"full_attention\"");
                }
            }
        }
        if (root.has("quantization_config")) {
            throw root.error("quantization_config is set; supported are weights in " + DTYPES);
        }
        requireSilu(text);
    }

    static void requireSilu(JsonObject json) {
        if (json.has("hidden_act") && !json.text("hidden_act").equals("silu")) {
            throw json.error("hidden_act is '" + json.text("hidden_act") + "'; supported is 'silu'");
        }
    }

    private String dtype() {
        for (JsonObject json : List.of(root, text)) {
            for (String field : List.of("dtype", "torch_dtype")) {
                if (json.has(field)) {
                    String dtype = json.text(field);
                    if (!DTYPES.contains(dtype)) {
                        throw json.error(field + " is '" + dtype + "'; supported are " + DTYPES);
                    }
                    return dtype;
                }
            }
        }
        return "float32"; // what transformers takes where nothing is said
    }

    private TextConfig decoder(int[] generationEos) {
        int hidden = text.integer("hidden_size", 1, Limits.MAX_WIDTH);
        int heads = text.integer("num_attention_heads", 1, hidden);
        int keyValueHeads = text.integer("num_key_value_heads", 1, heads, heads);
        int vocabulary = text.integer("vocab_size", 1, Limits.MAX_VOCABULARY);
        int headDim = headDim(hidden, heads);
        if (heads % keyValueHeads != 0) {
            throw text.error(
                    "num_attention_heads " + heads + " is no multiple of num_key_value_heads " + keyValueHeads);
        }
        JsonObject rope = rope();
        return new TextConfig(
                vocabulary,
                hidden,
                text.integer("intermediate_size", 1, Limits.MAX_WIDTH),
                text.integer("num_hidden_layers", 1, Limits.MAX_LAYERS),
                heads,
                keyValueHeads,
                headDim,
                text.integer("max_position_embeddings", 1, Integer.MAX_VALUE),
                text.number("rms_norm_eps", 0, 1),
                (rope.has("rope_theta") ? rope : text).number("rope_theta", 1, 1e12),
                mropeSection(rope, headDim),
                holder("tie_word_embeddings").flag("tie_word_embeddings", false),
                holder("bos_token_id").integer("bos_token_id", 0, vocabulary - 1, -1),
                eosTokenIds(vocabulary, generationEos));
    }

    private int headDim(int hidden, int heads) {
        if (!text.has("head_dim") && hidden % heads != 0) {
            throw text.error("hidden_size " + hidden + " is no multiple of num_attention_heads " + heads);
        }
        int headDim = text.integer("head_dim", 1, Limits.MAX_WIDTH, hidden / heads);
        if (headDim % 2 != 0) {
            throw text.error("the head size is " + headDim + "; rotary positions need an even one");
        }
        return headDim;
    }

    /** The rope's object under its new or old name; where there is none, the object that its fields may stand in. */
    private JsonObject rope() {
        for (String field : List.of("rope_parameters", "rope_scaling")) {
            if (holder(field).has(field)) {
                JsonObject rope = holder(field).object(field);
                String word = rope.has("rope_type") ? "rope_type" : "type";
                String type = rope.has(word) ? rope.text(word) : "default";
                if (!type.equals("mrope") && !type.equals("default")) {
                    throw rope.error(word + " is '" + type + "'; supported are 'default' and 'mrope'");
                }
                return rope;
            }
        }
        return text;
    }

    private static int[] mropeSection(JsonObject rope, int headDim) {
        if (!rope.has("mrope_section")) {
            return null;
        }
        int[] section = rope.integers("mrope_section", 0, headDim);
        if (section.length != 3 || IntStream.of(section).sum() != headDim / 2) {
            throw rope.error("mrope_section is " + rope.get("mrope_section")
                    + "; expected are three numbers with the sum " + headDim / 2 + ", half the head size");
        }
        return section;
    }

    private int[] eosTokenIds(int vocabulary, int[] generationEos) {
        JsonObject holder = holder("eos_token_id");
        int[] own = holder.has("eos_token_id") ? holder.integers("eos_token_id", 0, vocabulary - 1) : new int[0];
        for (int id : generationEos) {
            if (id >= vocabulary) {
                throw root.error("vocab_size is " + vocabulary + "; generation_config.json's eos_token_id " + id
                        + " lies beyond it");
            }
        }
        return IntStream.concat(IntStream.of(own), IntStream.of(generationEos))
                .distinct()
                .toArray();
    }

    /** Where a field that either layout may have at either level is. */
    private JsonObject holder(String field) {
        return text.has(field) ? text : root;
    }
}
