package dev.millrace.model.config;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a checkpoint's {@code generation_config.json} says: the tokens that end an answer, and sampling values that replace
 * the defaults of whatever a request leaves open. As in vLLM ({@code ModelConfig.get_diff_sampling_param}) only those six
 * values count; {@code do_sample} changes nothing. Null where the file says nothing.
 *
 * @param eosTokenIds empty where there is none
 * @param topK 0 or −1 for all
 * @param maxNewTokens vLLM's {@code max_tokens}
 */
public record GenerationConfig(
        int[] eosTokenIds,
        Double repetitionPenalty,
        Double temperature,
        Integer topK,
        Double topP,
        Double minP,
        Integer maxNewTokens) {

    /** Of a checkpoint that has no such file. */
    public static final GenerationConfig NONE = new GenerationConfig(new int[0], null, null, null, null, null, null);

    /**
     * Reads a model folder's file, which may be missing.
     *
     * @throws CheckpointException if it is not right
     */
    public static GenerationConfig read(Path folder) {
        Path file = folder.resolve("generation_config.json");
        if (!Files.exists(file)) {
            return NONE;
        }
        JsonObject json = JsonObject.read(file);
        return new GenerationConfig(
                json.has("eos_token_id") ? json.integers("eos_token_id", 0, Integer.MAX_VALUE) : new int[0],
                number(json, "repetition_penalty", Double.MIN_VALUE, Float.MAX_VALUE),
                number(json, "temperature", 0, Float.MAX_VALUE),
                integer(json, "top_k", -1),
                number(json, "top_p", Double.MIN_VALUE, 1),
                number(json, "min_p", 0, 1),
                integer(json, "max_new_tokens", 1));
    }

    /** The defaults that this replaces, by vLLM's names and in its order: for the log. */
    public Map<String, Number> overriddenDefaults() {
        Map<String, Number> values = new LinkedHashMap<>();
        values.put("repetition_penalty", repetitionPenalty);
        values.put("temperature", temperature);
        values.put("top_k", topK);
        values.put("top_p", topP);
        values.put("min_p", minP);
        values.put("max_tokens", maxNewTokens);
        values.values().removeIf(value -> value == null);
        return Collections.unmodifiableMap(values);
    }

    private static Double number(JsonObject json, String field, double min, double max) {
        return json.has(field) ? (Double) json.number(field, min, max) : null;
    }

    private static Integer integer(JsonObject json, String field, int min) {
        return json.has(field) ? (Integer) json.integer(field, min, Integer.MAX_VALUE) : null;
    }
}
