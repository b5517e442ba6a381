package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.schemas.SamplingOptions;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * How tokens are drawn, from what a request says, else what the checkpoint's {@code generation_config.json} says, else
 * vLLM's default. Ranges and messages are those of {@code vllm/sampling_params.py}.
 */
final class SamplingResolver {

    private static final double LEAST_TEMPERATURE = 0.01; // vLLM's _MAX_TEMP: below it, logits overflow
    private static final double MOST_BIAS = 100;

    private final GenerationConfig defaults;
    private final int[] eosTokenIds;
    private final int vocabSize;

    SamplingResolver(GenerationConfig defaults, int[] eosTokenIds, int vocabSize) {
        this.defaults = defaults;
        this.eosTokenIds = eosTokenIds;
        this.vocabSize = vocabSize;
    }

    /**
     * @param seed the noise key
     * @param badWords words that may not be generated
     * @throws InvalidInputException if a value is out of its range
     */
    SamplingParams resolve(SamplingOptions options, long seed, BadWords badWords) {
        float temperature = temperature(options);
        float topP = topP(options);
        int topK = topK(options);
        float minP = Require.within(or(options.getMinP(), defaults.minP(), 0), 0, 1, "min_p");
        boolean greedy = temperature == 0;
        Map<Integer, Float> bias = bias(options.getLogitBias());
        var params = SamplingParams.builder()
                .temperature(temperature)
                .topP(greedy ? 1 : topP)
                .topK(greedy ? 0 : topK)
                .minP(greedy ? 0 : minP)
                .repetitionPenalty(repetitionPenalty(options))
                .presencePenalty(Require.within(or(options.getPresencePenalty(), null, 0), -2, 2, "presence_penalty"))
                .frequencyPenalty(
                        Require.within(or(options.getFrequencyPenalty(), null, 0), -2, 2, "frequency_penalty"))
                .seed(seed)
                .bias(Ids.toArray(bias.keySet()), values(bias))
                .allowedIds(allowedIds(options))
                .bannedIds(badWords.single())
                .minTokens(minTokens(options))
                .stopIds(stopIds(options))
                .build();
        requireAChoice(params);
        return params;
    }

    private float temperature(SamplingOptions options) {
        double value = or(options.getTemperature(), defaults.temperature(), 1);
        Require.finite(value, "temperature");
        Require.that(value >= 0, "temperature", "temperature must be non-negative, got %s.", value);
        return (float) (value > 0 ? Math.max(value, LEAST_TEMPERATURE) : 0);
    }

    private float topP(SamplingOptions options) {
        double value = or(options.getTopP(), defaults.topP(), 1);
        Require.that(value > 0 && value <= 1, "top_p", "top_p must be in (0, 1], got %s.", value);
        return Math.max((float) value, Float.MIN_VALUE);
    }

    private int topK(SamplingOptions options) {
        Integer given = options.getTopK() != null ? options.getTopK() : defaults.topK();
        int value = given == null ? 0 : given;
        Require.that(value >= -1, "top_k", "top_k must be 0 (disable), or at least 1, got %d.", value);
        return value < vocabSize ? Math.max(value, 0) : 0;
    }

    private float repetitionPenalty(SamplingOptions options) {
        double value = or(options.getRepetitionPenalty(), defaults.repetitionPenalty(), 1);
        Require.finite(value, "repetition_penalty");
        Require.that(value > 0, "repetition_penalty", "repetition_penalty must be greater than zero, got %s.", value);
        return Math.min(Math.max((float) value, Float.MIN_NORMAL), Float.MAX_VALUE);
    }

    private static int minTokens(SamplingOptions options) {
        int value = options.getMinTokens() == null ? 0 : options.getMinTokens();
        Require.that(value >= 0, "min_tokens", "min_tokens must be greater than or equal to 0, got %d.", value);
        return value;
    }

    /** All tokens that end an answer, end-of-sequence included even where it is ignored, as in vLLM. */
    private int[] stopIds(SamplingOptions options) {
        int[] asked = Ids.toArray(options.getStopTokenIds());
        Require.inVocabulary(asked, vocabSize, "stop_token_ids");
        return IntStream.concat(Arrays.stream(asked), Arrays.stream(eosTokenIds))
                .distinct()
                .toArray();
    }

    private int[] allowedIds(SamplingOptions options) {
        if (options.getAllowedTokenIds() == null) {
            return null;
        }
        int[] ids = Ids.toArray(options.getAllowedTokenIds());
        Require.that(ids.length > 0, "allowed_token_ids", "allowed_token_ids is not None and empty!");
        Require.inVocabulary(ids, vocabSize, "allowed_token_ids");
        return Arrays.stream(ids).sorted().distinct().toArray();
    }

    private Map<Integer, Float> bias(Map<String, Double> given) {
        Map<Integer, Float> bias = new TreeMap<>();
        given.forEach((token, value) -> {
            Require.that(
                    !value.isNaN(), "logit_bias", "logit_bias of token %s must be a number, got %s.", token, value);
            bias.put(tokenId(token), (float) Math.min(Math.max(value, -MOST_BIAS), MOST_BIAS));
        });
        Require.inVocabulary(Ids.toArray(bias.keySet()), vocabSize, "logit_bias");
        return bias;
    }

    private static int tokenId(String token) {
        try {
            return Integer.parseInt(token);
        } catch (NumberFormatException e) {
            throw new InvalidInputException(
                    "logit_bias contains key(s) that cannot be converted to integer token IDs: ['" + token + "']",
                    "logit_bias",
                    e);
        }
    }

    /** A sampler that may choose nothing has no answer to give. */
    private static void requireAChoice(SamplingParams params) {
        if (params.allowedIds() == null) {
            return;
        }
        IntPredicate banned =
                id -> contains(params.bannedIds(), id) || params.minTokens() > 0 && contains(params.stopIds(), id);
        Require.that(
                Arrays.stream(params.allowedIds()).anyMatch(banned.negate()),
                "allowed_token_ids",
                "allowed_token_ids leaves no token to generate once bad_words, and stop tokens before min_tokens, are"
                        + " taken out; allow another token.");
    }

    private static boolean contains(int[] ids, int id) {
        return Arrays.stream(ids).anyMatch(other -> other == id);
    }

    private static float[] values(Map<Integer, Float> bias) {
        float[] values = new float[bias.size()];
        int i = 0;
        for (float value : bias.values()) {
            values[i++] = value;
        }
        return values;
    }

    private static double or(Double asked, Double checkpoint, double otherwise) {
        return asked != null ? asked : checkpoint != null ? checkpoint : otherwise;
    }
}
