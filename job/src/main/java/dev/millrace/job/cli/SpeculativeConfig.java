package dev.millrace.job.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.directory.DraftModel;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.scheduler.Speculation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How answers are sped up by guesses; names, meanings and defaults are those of vLLM's {@code SpeculativeConfig}.
 *
 * @param engine what it means for the engine
 * @param executor and for the executor
 */
public record SpeculativeConfig(Speculation engine, ExecutorConfig.Speculation executor) {

    public static final SpeculativeConfig NONE =
            new SpeculativeConfig(Speculation.NONE, ExecutorConfig.Speculation.NONE);

    public static final String DESCRIPTION =
            "Speculative decoding: {\"model\": DIR, \"num_speculative_tokens\": 5} drafts with a small model of the same"
                    + " tokenizer, {\"method\": \"ngram\", \"num_speculative_tokens\": 5} with what followed the same tokens"
                    + " before, prompt_lookup_min to prompt_lookup_max of them (default: none). Answers stay the same.";

    private static final int MOST_TOKENS = 128; // vLLM's MAX_SPEC_LEN
    private static final int LOOKUP = 5;

    private static SpeculativeConfig ngram(int tokens, int min, int max) {
        return new SpeculativeConfig(new Speculation(tokens, min, max), new ExecutorConfig.Speculation("", tokens));
    }

    private static SpeculativeConfig draftModel(int tokens, String folder) {
        return new SpeculativeConfig(
                Speculation.draftModel(tokens),
                new ExecutorConfig.Speculation(Path.of(folder).toAbsolutePath().toString(), tokens));
    }

    /**
     * Checks the draft model before anything is started, if the model is on this machine.
     *
     * @throws CheckpointException if the draft model cannot be read or has another tokenizer
     */
    void check(Path model) {
        if (executor.hasDraftModel() && Files.isDirectory(model)) {
            DraftModel.check(Path.of(executor.draftModel()), new ModelDirectory(model).tokenizer());
        }
    }

    /** Reads vLLM's JSON. */
    public static final class Converter implements ITypeConverter<SpeculativeConfig> {

        private static final String DRAFT_MODEL = "draft_model";
        private static final String NGRAM = "ngram";
        private static final Map<String, List<String>> KEYS = Map.of(
                DRAFT_MODEL,
                List.of("method", "model", "num_speculative_tokens"),
                NGRAM,
                List.of("method", "num_speculative_tokens", "prompt_lookup_min", "prompt_lookup_max"));

        @Override
        public SpeculativeConfig convert(String value) {
            ObjectNode json = new JsonObject().convert(value);
            String method = method(json);
            json.fieldNames().forEachRemaining(key -> {
                if (!KEYS.get(method).contains(key)) {
                    throw new TypeConversionException("'%s' is not a key that the method %s has; allowed are %s"
                            .formatted(key, method, String.join(", ", KEYS.get(method))));
                }
            });
            int tokens = integer(json, "num_speculative_tokens", null, MOST_TOKENS);
            if (method.equals(DRAFT_MODEL)) {
                return draftModel(tokens, text(json, "model"));
            }
            int min = integer(json, "prompt_lookup_min", json.has("prompt_lookup_max") ? max(json, 0) : LOOKUP, 0);
            int max = max(json, min);
            if (min > max) {
                throw new TypeConversionException(
                        "prompt_lookup_min is %d, but at most prompt_lookup_max, %d, is allowed".formatted(min, max));
            }
            return ngram(tokens, min, max);
        }

        private static int max(ObjectNode json, int otherwise) {
            return integer(json, "prompt_lookup_max", otherwise, 0);
        }

        private static String method(ObjectNode json) {
            if (!json.has("method")) {
                text(json, "model");
                return DRAFT_MODEL;
            }
            String method = text(json, "method");
            if (!KEYS.containsKey(method)) {
                throw new TypeConversionException(
                        "method is '%s'; allowed are %s, %s (which reads model)".formatted(method, NGRAM, DRAFT_MODEL));
            }
            return method;
        }

        private static String text(ObjectNode json, String key) {
            JsonNode value = json.path(key);
            if (!value.isTextual() || value.textValue().isEmpty()) {
                throw new TypeConversionException(
                        key.equals("model")
                                ? "model is %s; the folder of a draft model is needed, unless method is 'ngram'"
                                        .formatted(given(value))
                                : "%s is %s; a name is allowed".formatted(key, given(value)));
            }
            return value.textValue();
        }

        /**
         * @param otherwise what holds where nothing is said; null: something must be
         * @param most the most that is allowed; 0: there is no such
         */
        private static int integer(ObjectNode json, String key, Integer otherwise, int most) {
            if (!json.has(key) && otherwise != null) {
                return otherwise;
            }
            JsonNode value = json.path(key);
            if (!value.isInt() || value.intValue() < 1 || most > 0 && value.intValue() > most) {
                throw new TypeConversionException("%s is %s; a whole number %s is needed"
                        .formatted(key, given(value), most > 0 ? "from 1 to " + most : "from 1"));
            }
            return value.intValue();
        }

        private static String given(JsonNode value) {
            return value.isMissingNode() ? "not given" : value.toString();
        }
    }
}
