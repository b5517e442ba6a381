package dev.millrace.model.sampling;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Log-probabilities under raw logits. A logit that is no number counts as minus infinity, and its log-probability is that,
 * too, even where all are.
 *
 * @param logprob the chosen token's
 * @param rank the chosen token's: one more than there are likelier tokens
 * @param topIds the likeliest tokens, best first, of equals the lower id first
 * @param topLogprobs theirs
 */
public record Logprobs(float logprob, int rank, int[] topIds, float[] topLogprobs) {

    /** Up to so many a short list is faster than sorting the vocabulary. */
    private static final int FEW = 64;

    /** Computes them for a chosen token and the {@code count} likeliest. */
    public static Logprobs of(float[] logits, int offset, int vocabSize, int token, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < vocabSize; id++) {
            max = Math.max(max, number(logits[offset + id]));
        }
        double total = 0;
        int likelier = 0;
        float chosen = number(logits[offset + token]);
        for (int id = 0; id < vocabSize; id++) {
            float logit = number(logits[offset + id]);
            total += DoubleMath.exp((double) logit - max);
            likelier += logit > chosen ? 1 : 0;
        }
        double normalizer = max + DoubleMath.log(total);
        int[] topIds = top(logits, offset, vocabSize, Math.min(count, vocabSize));
        float[] topLogprobs = new float[topIds.length];
        for (int i = 0; i < topIds.length; i++) {
            topLogprobs[i] = logprob(number(logits[offset + topIds[i]]), normalizer);
        }
        return new Logprobs(logprob(chosen, normalizer), likelier + 1, topIds, topLogprobs);
    }

    /** The logit, or minus infinity where it is no number. */
    static float number(float logit) {
        return logit > Float.NEGATIVE_INFINITY ? logit + 0f : Float.NEGATIVE_INFINITY; // −0 as 0
    }

    private static float logprob(float logit, double normalizer) {
        return logit > Float.NEGATIVE_INFINITY ? (float) (logit - normalizer) : logit;
    }

    private static int[] top(float[] logits, int offset, int vocabSize, int count) {
        return count > FEW ? sorted(logits, offset, vocabSize, count) : inserted(logits, offset, vocabSize, count);
    }

    /** The sort is stable: of equal logits the lower id stays first. */
    private static int[] sorted(float[] logits, int offset, int vocabSize, int count) {
        return IntStream.range(0, vocabSize)
                .boxed()
                .sorted(Comparator.comparing((Integer id) -> number(logits[offset + id]), Comparator.reverseOrder()))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Insertion into a short sorted list; ids ascend, so an equal logit never moves up. */
    private static int[] inserted(float[] logits, int offset, int vocabSize, int count) {
        int[] ids = new int[count];
        int size = 0;
        for (int id = 0; id < vocabSize; id++) {
            float logit = number(logits[offset + id]);
            if (size == count && (count == 0 || logit <= number(logits[offset + ids[count - 1]]))) {
                continue;
            }
            int at = size < count ? size++ : count - 1;
            while (at > 0 && logit > number(logits[offset + ids[at - 1]])) {
                ids[at] = ids[at - 1];
                at--;
            }
            ids[at] = id;
        }
        return ids;
    }
}
