package dev.millrace.model.sampling;

/**
 * Standard Gumbel noise keyed by (seed, choice, position, token): the same wherever, whenever and in whichever company a
 * token is drawn. The largest of logit + noise is a draw from the softmax of the logits.
 */
final class GumbelNoise {

    private static final double LN2 = 0.6931471805599453;
    private static final int WORDS = 4;

    private final int[] words = new int[WORDS];
    private final long seed;
    private final int choice;
    private final int position;
    private int counter = -1;

    GumbelNoise(long seed, int choice, int position) {
        this.seed = seed;
        this.choice = choice;
        this.position = position;
    }

    /** Whether logit plus noise may exceed {@code best}; cheap, and never false where it does. */
    boolean mayExceed(double logit, int token, double best) {
        // noise = −ln(−ln u) ≤ −ln(1 − u), and 1 − u exceeds 2^−(leading ones of u + 1)
        int leadingOnes = Integer.numberOfLeadingZeros(~word(token));
        return logit + (leadingOnes + 1) * LN2 >= best;
    }

    double of(int token) {
        double u = ((word(token) & 0xFFFFFFFFL) + 0.5) * 0x1p-32;
        return -DoubleMath.log(-DoubleMath.log(u));
    }

    private int word(int token) {
        if (token / WORDS != counter) {
            counter = token / WORDS;
            Philox.generate(seed, counter, position, choice, 0, words);
        }
        return words[token % WORDS];
    }
}
