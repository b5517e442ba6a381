package dev.millrace.operators.sequence;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.grammar.GrammarState;
import dev.millrace.model.grammar.automaton.GrammarException;

/** An answer's way through its grammar. One that has none goes any way. */
final class Binding {

    private GrammarState state;
    private String fault;

    /**
     * Begins, or goes on where an answer was.
     *
     * @param grammar null for none
     * @param endTokens tokens that end the answer
     */
    void begin(Grammar grammar, int[] endTokens, int[] output) {
        state = grammar == null ? null : grammar.start(endTokens).after(output);
    }

    /** How far the answer is, or null where it has no grammar. */
    GrammarState state() {
        return state;
    }

    /** Why the answer cannot go on, or null. */
    String fault() {
        return fault;
    }

    boolean isEnd(int token) {
        return state != null && state.isEnd(token);
    }

    /** Takes a token; why the answer ends with it, or null. What may come next is found here, so that asking cannot fail. */
    FinishReason advance(int token) {
        if (state == null) {
            return null;
        }
        if (state.isEnd(token)) {
            return FinishReason.STOP;
        }
        try {
            state = state.after(token);
            if (state.isFinal()) {
                return FinishReason.STOP;
            }
            state.mask();
            return null;
        } catch (GrammarException | IllegalArgumentException e) { // the latter where it does not fit
            fault = e.getMessage();
            return FinishReason.ERROR;
        }
    }

    /** How many of the first drafts may come, one after the other, with something behind them. */
    int allowed(int[] drafts) {
        GrammarState at = state;
        int count = 0;
        try {
            while (at != null && count < drafts.length && !at.isEnd(drafts[count]) && at.allows(drafts[count])) {
                at = at.after(drafts[count]);
                at.mask();
                count++;
            }
        } catch (GrammarException e) {
            return count; // the answer ends there, should it come there
        }
        return at == null ? drafts.length : count;
    }
}
