package dev.millrace.model.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Draws a token from logits, in vLLM's order (its {@code v1/sample/sampler.py}): allowed ids, banned tokens, minimum
 * length and bias, penalties, temperature, min-p, top-k, top-p. The draw is the largest of logit plus {@link GumbelNoise},
 * so it depends on nothing but the logits, the parameters, the sequence's tokens and the position. A logit that is no
 * number counts as minus infinity. For one thread.
 */
public final class Sampler {

    private static final int[] NONE = {};

    private final int vocabSize;
    private final float[] adjusted;
    private final Candidates candidates;

    public Sampler(int vocabSize) {
        this.vocabSize = vocabSize;
        this.adjusted = new float[vocabSize];
        this.candidates = new Candidates(vocabSize);
    }

    /**
     * What a draw depends on beside the logits.
     *
     * @param counts the sequence's tokens; may be null where no penalty asks for them
     * @param outputLength tokens generated so far
     * @param choice which of the request's answers
     * @param position index that the drawn token will have in its sequence
     * @param banned tokens that this draw may not choose
     * @param allowed the only tokens that this draw may choose, as bits of words, or null for all
     */
    public record Context(
            SamplingParams params,
            TokenCounts counts,
            int outputLength,
            int choice,
            int position,
            int[] banned,
            int[] allowed) {

        public Context(SamplingParams params, TokenCounts counts, int outputLength, int choice, int position) {
            this(params, counts, outputLength, choice, position, NONE);
        }

        /** With every token allowed that is not banned. */
        public Context(
                SamplingParams params, TokenCounts counts, int outputLength, int choice, int position, int[] banned) {
            this(params, counts, outputLength, choice, position, banned, null);
        }
    }

    /**
     * Draws a token. Where none that is allowed and not banned has a logit above minus infinity, the best by what can still
     * be kept is taken: one that the mask allows, of these one that the parameters allow, of these the likeliest by the raw
     * logits, of these the lowest id. So a row without a single number is answered with the first allowed token.
     */
    public int sample(float[] logits, int offset, Context context) {
        SamplingParams params = context.params();
        adjust(logits, offset, context);
        if (params.isGreedy()) {
            int best = argmax(adjusted);
            return adjusted[best] > Float.NEGATIVE_INFINITY ? best : likeliest(logits, offset, context);
        }
        narrow(params);
        return candidates.size() == 0 ? likeliest(logits, offset, context) : draw(context);
    }

    private int likeliest(float[] logits, int offset, Context context) {
        int[] ids = context.params().allowedIds();
        return IntStream.range(0, vocabSize)
                .boxed()
                .max(Comparator.comparing((Integer id) -> has(context.allowed(), id))
                        .thenComparing(id -> ids == null || Arrays.binarySearch(ids, id) >= 0)
                        .thenComparing(id -> Logprobs.number(logits[offset + id]))
                        .thenComparing(Comparator.reverseOrder()))
                .orElseThrow();
    }

    /** The probabilities that {@link #sample} draws by. */
    public float[] probabilities(float[] logits, int offset, Context context) {
        float[] probabilities = new float[vocabSize];
        int drawn = sample(logits, offset, context);
        if (context.params().isGreedy() || candidates.size() == 0) {
            probabilities[drawn] = 1;
            return probabilities;
        }
        float max = candidates.max();
        double total = candidates.total(max);
        for (int i = 0; i < candidates.size(); i++) {
            probabilities[candidates.id(i)] = (float) (DoubleMath.exp((double) candidates.logit(i) - max) / total);
        }
        return probabilities;
    }

    private void adjust(float[] logits, int offset, Context context) {
        SamplingParams params = context.params();
        System.arraycopy(logits, offset, adjusted, 0, vocabSize);
        keep(context.allowed());
        if (params.allowedIds() != null) {
            allowOnly(params.allowedIds());
        }
        ban(params.bannedIds());
        ban(context.banned());
        if (context.outputLength() < params.minTokens()) {
            ban(params.stopIds());
        }
        for (int i = 0; i < params.biasIds().length; i++) {
            adjusted[params.biasIds()[i]] += params.biasValues()[i];
        }
        if (params.hasPenalties()) {
            context.counts().forEach((token, count) -> penalize(params, token, count));
        }
    }

    private void keep(int[] allowed) {
        for (int id = 0; allowed != null && id < vocabSize; id++) {
            if (!has(allowed, id)) {
                adjusted[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private static boolean has(int[] mask, int id) {
        return mask == null || (mask[id >>> 5] >>> id & 1) != 0;
    }

    private void allowOnly(int[] allowed) {
        int next = 0;
        for (int id = 0; id < vocabSize; id++) {
            if (next < allowed.length && allowed[next] == id) {
                next++;
            } else {
                adjusted[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private void ban(int[] tokens) {
        for (int token : tokens) {
            if (token < vocabSize) {
                adjusted[token] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private void penalize(SamplingParams params, int token, int outputCount) {
        float logit = adjusted[token];
        logit = logit > 0 ? logit / params.repetitionPenalty() : logit * params.repetitionPenalty();
        if (outputCount > 0) {
            logit -= params.frequencyPenalty() * outputCount;
            logit -= params.presencePenalty();
        }
        adjusted[token] = logit;
    }

    private void narrow(SamplingParams params) {
        candidates.reset(adjusted, 0, vocabSize, params.temperature());
        candidates.minP(params.minP());
        candidates.topK(params.topK());
        candidates.topP(params.topP());
    }

    private int draw(Context context) {
        GumbelNoise noise = new GumbelNoise(context.params().seed(), context.choice(), context.position());
        int drawn = candidates.id(0);
        double best = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < candidates.size(); i++) {
            int id = candidates.id(i);
            double logit = candidates.logit(i);
            if (noise.mayExceed(logit, id, best)) {
                double score = logit + noise.of(id);
                if (score > best || score == best && id < drawn) {
                    best = score;
                    drawn = id;
                }
            }
        }
        return drawn;
    }

    /** The first of the largest; 0 where none is above minus infinity. */
    private int argmax(float[] values) {
        int best = 0;
        float max = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < vocabSize; id++) {
            if (values[id] > max) {
                max = values[id];
                best = id;
            }
        }
        return best;
    }
}
