package dev.millrace.model.grammar;

import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.Place;
import java.util.Arrays;

/** How far an answer is in its grammar. Never changed; for one thread. */
public final class GrammarState {

    private final TokenMasks masks;
    private final Place place;
    private final int[] endTokens;
    private int[] mask;

    GrammarState(TokenMasks masks, Place place, int[] endTokens) {
        this.masks = masks;
        this.place = place;
        this.endTokens = endTokens;
    }

    /** Whether the answer may end here. */
    public boolean isComplete() {
        return place.mayEnd();
    }

    /** Whether the answer must end here. */
    public boolean isFinal() {
        return place.isFinal();
    }

    /** Whether a token ends the answer. */
    public boolean isEnd(int token) {
        return Arrays.stream(endTokens).anyMatch(end -> end == token);
    }

    /**
     * The tokens that may come next, at least one: bit t mod 32 of word t/32 stands for token t. Not to be changed.
     *
     * @throws GrammarException if the model has no token that fits, or the grammar is too ambiguous to find them
     */
    public int[] mask() {
        if (mask == null) {
            int[] next = masks.mask(place);
            for (int end : endTokens) {
                next[end >>> 5] = next[end >>> 5] & ~(1 << end) | (place.mayEnd() ? 1 << end : 0);
            }
            if (Arrays.stream(next).allMatch(word -> word == 0)) {
                throw new GrammarException("the model has no token with which its answer could go on or end");
            }
            mask = next;
        }
        return mask;
    }

    /** Whether a token may come next. */
    public boolean allows(int token) {
        return isEnd(token) ? place.mayEnd() : next(token) != null;
    }

    /**
     * After a token that {@link #allows} allows and that does not end the answer.
     *
     * @throws IllegalArgumentException if it does not fit
     * @throws GrammarException if the grammar is too ambiguous to go on
     */
    public GrammarState after(int token) {
        Place next = isEnd(token) ? null : next(token);
        if (next == null) {
            throw new IllegalArgumentException("token " + token + " does not fit the answer's grammar");
        }
        return new GrammarState(masks, next, endTokens);
    }

    /**
     * After some tokens.
     *
     * @throws IllegalArgumentException if they do not fit
     */
    public GrammarState after(int[] tokens) {
        GrammarState state = this;
        for (int token : tokens) {
            state = state.after(token);
        }
        return state;
    }

    /** Whether tokens may come one after the other. */
    public boolean fits(int[] tokens) {
        Place at = place;
        for (int i = 0; i < tokens.length && at != null; i++) {
            byte[] bytes = masks.trie().bytes(tokens[i]);
            at = bytes == null ? null : at.after(bytes);
        }
        return at != null;
    }

    private Place next(int token) {
        byte[] bytes = masks.trie().bytes(token);
        return bytes == null ? null : place.after(bytes);
    }
}
