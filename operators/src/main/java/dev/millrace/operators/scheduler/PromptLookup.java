package dev.millrace.operators.scheduler;

import dev.millrace.operators.kvcache.TokenIds;

/**
 * Drafts what followed the last time: finds the longest end of a sequence, from {@code min} to {@code max} tokens, that
 * occurs before, and takes the tokens behind its first occurrence (vLLM {@code v1/spec_decode/ngram_proposer.py}).
 */
final class PromptLookup {

    private static final int[] NONE = {};

    private final int min;
    private final int max;

    PromptLookup(int min, int max) {
        this.min = min;
        this.max = max;
    }

    /** At most {@code most} tokens; none if nothing is found. */
    int[] draft(TokenIds tokens, int most) {
        int last = tokens.size() - 1;
        int longest = 0;
        int found = 0;
        for (int end = min - 1; end < last && longest < max; end++) {
            int length = matching(tokens, end, last);
            if (length > longest) {
                longest = length;
                found = end;
            }
        }
        if (longest < min) {
            return NONE;
        }
        int[] drafts = new int[Math.min(most, last - found)];
        tokens.copyTo(found + 1, drafts, 0, drafts.length);
        return drafts;
    }

    /** How many tokens that end at {@code end} are those that end at {@code last}, at most {@code max}. */
    private int matching(TokenIds tokens, int end, int last) {
        int length = 0;
        while (length < max && length <= end && tokens.get(end - length) == tokens.get(last - length)) {
            length++;
        }
        return length;
    }
}
