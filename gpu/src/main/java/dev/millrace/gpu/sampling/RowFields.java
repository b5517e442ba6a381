package dev.millrace.gpu.sampling;

import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.SamplingParams;

/** The fields of a row that a sequence takes over, in the order of {@code row_state.cuh}. */
final class RowFields {

    private static final int GREEDY = 1;
    private static final int FILTERED = 2;
    private static final int PENALIZED = 4;
    private static final int COUNTED = 8;
    private static final int HAS_ALLOWED = 256 << 1;
    private static final int HAS_BANNED = 256 << 2;
    private static final int HAS_STOP = 256 << 3;
    private static final int HAS_BIASED = 256 << 4;

    private RowFields() {}

    /** The fields; the last, not one of the row's own, is its last token. */
    static int[] of(RowAssignment assignment, int vocabSize) {
        SamplingParams params = assignment.params();
        int topK = topK(params, vocabSize);
        return new int[] {
            flags(params, topK),
            bits(params.temperature()),
            bits(params.topP()),
            bits(params.minP()),
            topK,
            bits(params.repetitionPenalty()),
            bits(params.presencePenalty()),
            bits(params.frequencyPenalty()),
            (int) params.seed(),
            (int) (params.seed() >>> 32),
            assignment.choice(),
            params.minTokens(),
            assignment.outputIds().length,
            0,
            0,
            lastToken(assignment)
        };
    }

    /** Whether a draw depends on how often each token was generated, not only on which were. */
    static boolean isCounted(SamplingParams params) {
        return params.presencePenalty() != 0 || params.frequencyPenalty() != 0;
    }

    private static int topK(SamplingParams params, int vocabSize) {
        return params.topK() < vocabSize ? Math.max(params.topK(), 0) : 0;
    }

    private static int flags(SamplingParams params, int topK) {
        boolean filtered = !params.isGreedy() && (params.minP() > 0 || topK > 0 || params.topP() < 1);
        return flag(GREEDY, params.isGreedy())
                | flag(FILTERED, filtered)
                | flag(PENALIZED, params.hasPenalties())
                | flag(COUNTED, isCounted(params))
                | flag(HAS_ALLOWED, params.allowedIds() != null)
                | flag(HAS_BANNED, params.bannedIds().length > 0)
                | flag(HAS_STOP, params.minTokens() > 0 && params.stopIds().length > 0)
                | flag(HAS_BIASED, params.biasIds().length > 0);
    }

    private static int flag(int flag, boolean set) {
        return set ? flag : 0;
    }

    private static int bits(float value) {
        return Float.floatToRawIntBits(value);
    }

    private static int lastToken(RowAssignment assignment) {
        int[] known = assignment.outputIds().length > 0 ? assignment.outputIds() : assignment.promptIds();
        return known.length > 0 ? known[known.length - 1] : 0;
    }
}
