package dev.millrace.operators.sequence;

/**
 * How beams are searched for (vLLM {@code BeamSearchParams}).
 *
 * @param width beams that go on at a time, and answers in the end
 * @param lengthPenalty what an answer's tokens, the prompt's included, are raised to before its log-probability is divided
 *     by them
 * @param earlyStopping whether it is over once {@code width} answers have ended, rather than when no better one can come
 */
public record BeamParams(int width, double lengthPenalty, boolean earlyStopping) {

    /** How good an answer is: the higher, the better. */
    double score(double cumulativeLogprob, int length) {
        return cumulativeLogprob / Math.pow(length, lengthPenalty);
    }

    /** The best score that whatever follows a beam can reach, as each token lowers its log-probability. */
    double bestScore(double cumulativeLogprob, int length, int maxLength) {
        return score(cumulativeLogprob, lengthPenalty > 0 ? maxLength : length);
    }
}
