package dev.millrace.model.sampling;

/**
 * Draws a token from logits, in vLLM's order (its {@code v1/sample/sampler.py}): allowed ids, banned tokens, minimum
 * length and bias, penalties, temperature, min-p, top-k, top-p. The draw is the largest of logit plus {@link GumbelNoise},
 * so it depends on nothing but the logits, the parameters, the sequence's tokens and the position. For one thread.
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

    /** Draws a token. Where bans leave none of the allowed ones, the likeliest of these by the raw logits is taken. */
    public int sample(float[] logits, int offset, Context context) {
        SamplingParams params = context.params();
        adjust(logits, offset, context);
        if (params.isGreedy()) {
            int best = argmax(adjusted, 0);
            return adjusted[best] > Float.NEGATIVE_INFINITY ? best : likeliest(logits, offset, context);
        }
        narrow(params);
        return candidates.size() == 0 ? likeliest(logits, offset, context) : draw(context);
    }

    private int likeliest(float[] logits, int offset, Context context) {
        System.arraycopy(logits, offset, adjusted, 0, vocabSize);
        keep(context.allowed());
        return argmax(adjusted, 0);
    }

    /** The probabilities that {@link #sample} draws by. */
    public float[] probabilities(float[] logits, int offset, Context context) {
        adjust(logits, offset, context);
        float[] probabilities = new float[vocabSize];
        if (context.params().isGreedy()) {
            probabilities[argmax(adjusted, 0)] = 1;
            return probabilities;
        }
        narrow(context.params());
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
        if (allowed == null) {
            return;
        }
        for (int id = 0; id < vocabSize; id++) {
            if ((allowed[id >>> 5] >>> id & 1) == 0) {
                adjusted[id] = Float.NEGATIVE_INFINITY;
            }
        }
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

    private int argmax(float[] values, int offset) {
        int best = 0;
        for (int id = 1; id < vocabSize; id++) {
            if (values[offset + id] > values[offset + best]) {
                best = id;
            }
        }
        return best;
    }
}
