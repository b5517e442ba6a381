package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;

/** Checks of a request's fields; each failure is worded as vLLM words it ({@code vllm/sampling_params.py}). */
final class Require {

    private Require() {}

    static void that(boolean condition, String param, String message, Object... args) {
        if (!condition) {
            throw new InvalidInputException(message.formatted(args), param);
        }
    }

    /** A number in [{@code low}, {@code high}]; NaN is in no range. */
    static float within(double value, double low, double high, String param) {
        that(value >= low && value <= high, param, "%s must be in [%.0f, %.0f], got %s.", param, low, high, value);
        return (float) value;
    }

    static void finite(double value, String param) {
        that(Double.isFinite(value), param, "%s must be a finite number, got %s.", param, value);
    }

    /** Token ids of which each names a row of the logits. */
    static void inVocabulary(int[] ids, int vocabSize, String param) {
        for (int id : ids) {
            that(
                    id >= 0 && id < vocabSize,
                    param,
                    "token_id(s) [%d] in %s contain out-of-vocab token ids. Vocabulary size: %d",
                    id,
                    param,
                    vocabSize);
        }
    }
}
