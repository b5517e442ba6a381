package dev.millrace.operators.sequence;

/** When a token ends an answer, in vLLM's order ({@code v1/core/sched/utils.py}, {@code check_stop}). */
final class StopRules {

    private StopRules() {}

    /** Why the answer ends with the token that was just appended, or null. */
    static FinishReason finish(Sequence sequence, int token, int maxLength) {
        GenerationParams params = sequence.params();
        boolean stops = isEndOfSequence(params, token) || contains(params.stopTokenIds(), token);
        if (stops && sequence.outputLength() >= params.sampling().minTokens()) {
            return FinishReason.STOP;
        }
        return sequence.known() >= maxLength ? FinishReason.LENGTH : null;
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
