package dev.millrace.model.grammar.automaton;

import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * A rule's nondeterministic automaton over bytes and calls of rules, built from its end: an expression that occurs twice
 * before the same state is built once. State 0 is the end.
 */
final class Nfa {

    static final int END = 0;

    /** In {@link #low}: an edge that takes nothing. */
    static final int EPSILON = -1;

    /** In {@link #low}: an edge that a rule is run along; {@link #high} is its number. */
    static final int CALL = -2;

    private static final int MAX_STATES = 1 << 18;
    private static final int MAX_EDGES = 1 << 20;

    private final Map<String, Integer> rules;
    private final Map<Expr, Map<Integer, Integer>> built = new IdentityHashMap<>();
    private int[] firstEdge = new int[64];
    private int[] nextEdge = new int[64];
    private int[] low = new int[64];
    private int[] high = new int[64];
    private int[] target = new int[64];
    private int states;
    private int edges;

    /**
     * @param rules numbers of the rules that may be called
     */
    Nfa(Map<String, Integer> rules) {
        this.rules = rules;
        newState();
    }

    int states() {
        return states;
    }

    /** Its first edge, or −1. */
    int first(int state) {
        return firstEdge[state];
    }

    /** The next edge of the same state, or −1. */
    int next(int edge) {
        return nextEdge[edge];
    }

    int low(int edge) {
        return low[edge];
    }

    int high(int edge) {
        return high[edge];
    }

    int target(int edge) {
        return target[edge];
    }

    int edges() {
        return edges;
    }

    /** The state from which the expression, then {@code to} is reached. */
    int build(Expr expr, int to) {
        Map<Integer, Integer> known = built.computeIfAbsent(expr, e -> new HashMap<>(2));
        Integer before = known.get(to);
        if (before != null) {
            return before;
        }
        int from = make(expr, to);
        known.put(to, from);
        return from;
    }

    private int make(Expr expr, int to) {
        if (expr instanceof Expr.Chars chars) {
            return chars(chars.set(), to);
        }
        if (expr instanceof Expr.Seq seq) {
            int state = to;
            for (int i = seq.parts().size() - 1; i >= 0; i--) {
                state = build(seq.parts().get(i), state);
            }
            return state;
        }
        if (expr instanceof Expr.Alt alt) {
            int state = newState();
            alt.options().forEach(option -> epsilon(state, build(option, to)));
            return state;
        }
        if (expr instanceof Expr.Repeat repeat) {
            return repeat(repeat, to);
        }
        if (expr instanceof Expr.Call call) {
            int state = newState();
            addEdge(state, CALL, rules.get(call.rule()), to);
            return state;
        }
        return regular(((Expr.Regular) expr).dfa(), to);
    }

    private int chars(CodePoints set, int to) {
        int state = newState();
        Map<List<Integer>, Integer> tails = new HashMap<>();
        for (int[] sequence : Utf8Ranges.of(set)) {
            int next = to;
            for (int i = sequence.length - 2; i > 0; i -= 2) {
                int after = next;
                int lowest = sequence[i];
                int highest = sequence[i + 1];
                next = tails.computeIfAbsent(List.of(lowest, highest, after), key -> {
                    int tail = newState();
                    addEdge(tail, lowest, highest, after);
                    return tail;
                });
            }
            addEdge(state, sequence[0], sequence[1], next);
        }
        return state;
    }

    private int repeat(Expr.Repeat repeat, int to) {
        if (Math.max(repeat.min(), repeat.max()) > MAX_STATES) {
            throw tooLarge();
        }
        int state = to;
        if (repeat.max() == Expr.UNBOUNDED) {
            int loop = newState();
            epsilon(loop, to);
            epsilon(loop, build(repeat.inner(), loop));
            state = loop;
        }
        for (int i = repeat.max() - repeat.min(); repeat.max() != Expr.UNBOUNDED && i > 0; i--) {
            int optional = newState();
            epsilon(optional, build(repeat.inner(), state));
            epsilon(optional, to);
            state = optional;
        }
        for (int i = 0; i < repeat.min(); i++) {
            state = build(repeat.inner(), state);
        }
        return state;
    }

    private int regular(Dfa dfa, int to) {
        int offset = states;
        for (int i = 0; i < dfa.states(); i++) {
            newState();
        }
        for (int i = 0; i < dfa.states(); i++) {
            int from = offset + i;
            if (dfa.accepts(i)) {
                epsilon(from, to);
            }
            dfa.forEachRange(i, (lowest, highest, next) -> addEdge(from, lowest, highest, offset + next));
        }
        return offset + Dfa.START;
    }

    private void epsilon(int from, int to) {
        addEdge(from, EPSILON, 0, to);
    }

    private int newState() {
        if (states == MAX_STATES) {
            throw tooLarge();
        }
        if (states == firstEdge.length) {
            firstEdge = Arrays.copyOf(firstEdge, 2 * states);
        }
        firstEdge[states] = -1;
        return states++;
    }

    private void addEdge(int from, int lowest, int highest, int to) {
        if (edges == MAX_EDGES) {
            throw tooLarge();
        }
        if (edges == low.length) {
            nextEdge = Arrays.copyOf(nextEdge, 2 * edges);
            low = Arrays.copyOf(low, 2 * edges);
            high = Arrays.copyOf(high, 2 * edges);
            target = Arrays.copyOf(target, 2 * edges);
        }
        nextEdge[edges] = firstEdge[from];
        low[edges] = lowest;
        high[edges] = highest;
        target[edges] = to;
        firstEdge[from] = edges++;
    }

    private static GrammarException tooLarge() {
        return new GrammarException("it is too large: repetitions written out, it has over " + MAX_STATES
                + " states. Lower the counts of its repetitions, or repeat without a limit");
    }
}
