package dev.millrace.model.grammar.automaton;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * All ways to read a text up to a point, from some of them: rules that may begin here are begun, those that may be over are
 * left. This is Earley's recogniser (CACM 13/2, 1970) over automata: a rule begun at a point by several callers is run
 * once, and a call that ends its caller hands on the caller's continuation, so that right recursion does not pile up. Good
 * for one point.
 */
final class Closure {

    /** Steps that a point may take; a grammar that is not ambiguous takes a handful. */
    private static final int MAX_STEPS = 20_000;

    private final Set<Item> seen = new HashSet<>();
    private final Deque<Item> open = new ArrayDeque<>();
    private final List<Item> readers = new ArrayList<>(4);
    private final Map<Rule, Continuation> begun = new IdentityHashMap<>();
    private final Set<Continuation> left = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean ended;
    private int steps;

    Place of(Collection<Item> items) {
        items.forEach(this::add);
        while (!open.isEmpty()) {
            Item item = open.remove();
            if (item.node().accepts()) {
                leave(item.then());
            }
            for (Node.Call call : item.node().calls()) {
                begin(call, item.then());
            }
            if (item.node().hasBytes()) {
                readers.add(item);
            }
        }
        return new Place(readers.toArray(Item[]::new), ended);
    }

    private void begin(Node.Call call, Continuation then) {
        Rule rule = call.rule();
        if (call.after().isEnd()) {
            add(new Item(rule.start(), then));
            return;
        }
        Continuation behind = begun.get(rule);
        if (behind == null) {
            behind = new Continuation();
            begun.put(rule, behind);
            add(new Item(rule.start(), behind));
        }
        behind.add(new Item(call.after(), then));
        if (rule.isNullable()) {
            add(new Item(call.after(), then));
        }
    }

    /** A rule begun at this very point is left by its callers' doing, who know that it may be empty. */
    private void leave(Continuation then) {
        if (then == Continuation.END) {
            ended = true;
        } else if (!begun.containsValue(then) && left.add(then)) {
            then.callers().forEach(this::add);
        }
    }

    private void add(Item item) {
        if (++steps > MAX_STEPS) {
            throw new GrammarException("the grammar is too ambiguous: it takes over " + MAX_STEPS
                    + " steps to find all ways to read the answer so far. Rewrite it so that there is one");
        }
        if (seen.add(item)) {
            open.add(item);
        }
    }
}
