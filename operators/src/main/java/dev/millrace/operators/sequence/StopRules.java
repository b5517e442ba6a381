package dev.millrace.operators.sequence;

/** When a token ends an answer, in vLLM's order ({@code v1/core/sched/utils.py}, {@code check_stop}). */
final class StopRules {

    private StopRules() {}

    /**
     * Why the answer ends with a token, or null.
     *
     * @param length tokens of the answer, this one included
     * @param isLast whether none may follow
     */
    static FinishReason finish(GenerationParams params, int token, int length, boolean isLast) {
        boolean stops = isEndOfSequence(params, token) || contains(params.stopTokenIds(), token);
        if (stops && length >= params.sampling().minTokens()) {
            return FinishReason.STOP;
        }
        return isLast ? FinishReason.LENGTH : null;
    }

    static boolean isEndOfSequence(GenerationParams params, int token) {
        return contains(params.eosTokenIds(), token);
    }

    private static boolean contains(int[] ids, int id) {
        for (int candidate : ids) {
            if (candidate == id) {
                return true;
            }
        }
        return false;
    }
}
