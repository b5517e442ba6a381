package dev.millrace.model.grammar;

import dev.millrace.model.grammar.automaton.Continuation;
import dev.millrace.model.grammar.automaton.Item;
import dev.millrace.model.grammar.automaton.Node;
import dev.millrace.model.grammar.automaton.Place;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Which tokens may come next, for one grammar. What a place of a rule allows by itself is found once and kept; what depends
 * on the rule's callers is only the rest of tokens that go beyond the rule, so the stack above it costs little (the division
 * of XGrammar, Dong et al. 2024, section 3.1). Safe for use by several threads.
 */
final class TokenMasks {

    private static final int MAX_CACHED_INTS = 1 << 19;

    private final TokenTrie trie;
    private final Map<Node, Local> locals = new IdentityHashMap<>();
    private int cachedInts;

    /**
     * What a place of a rule allows.
     *
     * @param tokens that fit, whatever the rule's callers
     * @param exits nodes of the vocabulary's tree at which the rule may be over, though longer tokens go on
     */
    private record Local(TokenSet tokens, int[] exits) {}

    TokenMasks(TokenTrie trie) {
        this.trie = trie;
    }

    TokenTrie trie() {
        return trie;
    }

    /** A new mask of the tokens that may come next. */
    synchronized int[] mask(Place place) {
        int[] mask = new int[(trie.vocabSize() + 31) / 32];
        for (Item reader : place.readers()) {
            Local local = locals.computeIfAbsent(reader.node(), this::find);
            local.tokens.addTo(mask);
            if (reader.then() != Continuation.END && local.exits.length > 0) {
                addBeyond(local.exits, reader.then(), mask);
            }
        }
        if (cachedInts > MAX_CACHED_INTS) {
            locals.clear();
            cachedInts = 0;
        }
        return mask;
    }

    private Local find(Node node) {
        TokenWalk walk = new TokenWalk(trie);
        walk.below(0, new Item(node, Continuation.END));
        Local local = new Local(walk.found(), longerTokens(walk.exits()));
        cachedInts += local.tokens.ints() + local.exits.length;
        return local;
    }

    private int[] longerTokens(int[] exits) {
        return Arrays.stream(exits).filter(node -> node + 1 < trie.end(node)).toArray();
    }

    private void addBeyond(int[] exits, Continuation then, int[] mask) {
        TokenWalk walk = new TokenWalk(trie);
        Place behind = Place.behind(then);
        for (int exit : exits) {
            walk.below(exit, behind);
        }
        walk.found().addTo(mask);
    }
}
