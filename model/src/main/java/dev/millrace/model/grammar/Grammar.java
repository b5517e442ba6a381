package dev.millrace.model.grammar;

import dev.millrace.model.grammar.automaton.Place;
import java.util.Arrays;

/** A compiled grammar over a model's vocabulary. Safe for use by several threads. */
public final class Grammar {

    private static final int STATE_BYTES = 160; // a place and its ways on, roughly

    private final Place start;
    private final int states;
    private final TokenMasks masks;

    Grammar(Place start, int states, TokenTrie trie) {
        this.start = start;
        this.states = states;
        this.masks = new TokenMasks(trie);
    }

    /** Memory that it takes, roughly. */
    public long bytes() {
        return (long) STATE_BYTES * states;
    }

    /**
     * Before the answer's first token.
     *
     * @param endTokens tokens that may come where the answer is complete, and nowhere else; those that stand for text are
     *     passed over, since they come where that text does
     */
    public GrammarState start(int[] endTokens) {
        int[] ends = Arrays.stream(endTokens)
                .filter(token -> masks.trie().bytes(token) == null)
                .toArray();
        return new GrammarState(masks, start, ends);
    }
}
