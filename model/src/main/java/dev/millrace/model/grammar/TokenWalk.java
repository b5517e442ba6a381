package dev.millrace.model.grammar;

import dev.millrace.model.grammar.automaton.Continuation;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.Item;
import dev.millrace.model.grammar.automaton.Node;
import dev.millrace.model.grammar.automaton.Place;
import java.util.Arrays;
import java.util.List;

/** Walks the vocabulary's tree along a grammar and gathers the tokens that fit. Good for one walk. */
final class TokenWalk {

    private static final int MAX_PLACES = 1_000_000;

    private final TokenTrie trie;
    private final TokenSet found;
    private int[] exits = new int[8];
    private int numExits;
    private int places;

    TokenWalk(TokenTrie trie) {
        this.trie = trie;
        this.found = new TokenSet(trie.vocabSize());
    }

    TokenSet found() {
        return found;
    }

    /** Nodes of the tree at which the text is over, or the rule, where it has no continuation. */
    int[] exits() {
        return Arrays.copyOf(exits, numExits);
    }

    /** What fits below a tree's node at a point of the text. */
    void below(int parent, Place place) {
        List<Item> readers = place.readers();
        if (readers.size() == 1) {
            below(parent, readers.get(0));
            return;
        }
        for (int node = parent + 1; node < trie.end(parent); node = trie.end(node)) {
            Place next = place.after(trie.label(node));
            if (next != null) {
                enter(node, next);
            }
        }
    }

    /** The same while there is one way to read the text: tables alone. */
    void below(int parent, Item reader) {
        Node from = reader.node();
        Continuation then = reader.then();
        for (int node = parent + 1; node < trie.end(parent); node = trie.end(node)) {
            Node to = from.after(trie.label(node));
            if (to == null) {
                continue;
            }
            if (to.hasCalls() || to.accepts() && then != Continuation.END) {
                enter(node, Place.of(List.of(new Item(to, then))));
                continue;
            }
            take(node);
            if (to.accepts()) {
                exit(node);
            }
            if (to.hasBytes() && node + 1 < trie.end(node)) {
                below(node, new Item(to, then));
            }
        }
    }

    private void enter(int node, Place place) {
        if (++places > MAX_PLACES) {
            throw new GrammarException(
                    "the grammar is too ambiguous: after " + MAX_PLACES
                            + " tries it is not known which tokens may come next. Rewrite it so that a text can be read in one way");
        }
        take(node);
        if (place.mayEnd()) {
            exit(node);
        }
        if (node + 1 < trie.end(node)) {
            below(node, place);
        }
    }

    private void take(int node) {
        for (int t = trie.firstToken(node); t < trie.firstToken(node + 1); t++) {
            found.add(trie.token(t));
        }
    }

    private void exit(int node) {
        if (numExits == exits.length) {
            exits = Arrays.copyOf(exits, 2 * numExits);
        }
        exits[numExits++] = node;
    }
}
