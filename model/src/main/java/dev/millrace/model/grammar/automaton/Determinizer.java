package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes a deterministic automaton of a nondeterministic one by the subset construction. Good for one automaton. */
final class Determinizer {

    private final Nfa nfa;
    private final Work work;
    private final byte[] classOf;
    private final int[] representative;
    private final Map<Subset, Integer> numbers = new HashMap<>();
    private final List<int[]> subsets = new ArrayList<>();
    private final BitSet marked = new BitSet();
    private final Ints reached = new Ints();
    private final Ints[] targets;

    /** States that are possible at a time, ascending. */
    private record Subset(int[] states) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Subset subset && Arrays.equals(states, subset.states);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(states);
        }
    }

    Determinizer(Nfa nfa, Work work) {
        this.nfa = nfa;
        this.work = work;
        this.classOf = new byte[256];
        this.representative = classes();
        this.targets = new Ints[representative.length];
        Arrays.setAll(targets, c -> new Ints());
    }

    Dfa determinize(int start) {
        Dfa.Builder builder = new Dfa.Builder();
        mark(start);
        number(closed());
        for (int i = 0; i < subsets.size(); i++) {
            int[] subset = subsets.get(i);
            builder.add(next(subset), calls(subset), subset.length > 0 && subset[0] == Nfa.END);
        }
        return builder.build(classOf, representative.length);
    }

    /** Numbers the classes of bytes that no edge tells apart; a byte of each. */
    private int[] classes() {
        BitSet borders = new BitSet(257);
        borders.set(0);
        for (int edge = 0; edge < nfa.edges(); edge++) {
            if (nfa.low(edge) >= 0) {
                borders.set(nfa.low(edge));
                borders.set(nfa.high(edge) + 1);
            }
        }
        borders.clear(256, 258);
        int number = -1;
        int[] first = new int[borders.cardinality()];
        for (int b = 0; b < 256; b++) {
            if (borders.get(b)) {
                first[++number] = b;
            }
            classOf[b] = (byte) number;
        }
        return first;
    }

    /** The states that follow, class by class; an edge's classes have consecutive numbers. */
    private int[] next(int[] subset) {
        for (int state : subset) {
            for (int edge = nfa.first(state); edge >= 0; edge = nfa.next(edge)) {
                if (nfa.low(edge) >= 0) {
                    int last = classOf[nfa.high(edge)] & 0xff;
                    for (int c = classOf[nfa.low(edge)] & 0xff; c <= last; c++) {
                        targets[c].add(nfa.target(edge));
                    }
                }
            }
        }
        int[] next = new int[representative.length];
        for (int c = 0; c < next.length; c++) {
            work.steps(targets[c].size());
            for (int i = 0; i < targets[c].size(); i++) {
                mark(targets[c].get(i));
            }
            next[c] = targets[c].size() == 0 ? Dfa.DEAD : number(closed());
            targets[c].clear();
        }
        return next;
    }

    private int[] calls(int[] subset) {
        Map<Integer, List<Integer>> called = new TreeMap<>();
        for (int state : subset) {
            for (int edge = nfa.first(state); edge >= 0; edge = nfa.next(edge)) {
                if (nfa.low(edge) == Nfa.CALL) {
                    called.computeIfAbsent(nfa.high(edge), rule -> new ArrayList<>(1))
                            .add(nfa.target(edge));
                }
            }
        }
        int[] calls = new int[2 * called.size()];
        int at = 0;
        for (Map.Entry<Integer, List<Integer>> call : called.entrySet()) {
            call.getValue().forEach(this::mark);
            calls[at++] = call.getKey();
            calls[at++] = number(closed());
        }
        return calls;
    }

    private void mark(int state) {
        if (!marked.get(state)) {
            marked.set(state);
            reached.add(state);
        }
    }

    /** The marked states and those that they reach without taking anything; unmarks them. Pure passages are left out. */
    private int[] closed() {
        Ints states = new Ints();
        for (int i = 0; i < reached.size(); i++) {
            int state = reached.get(i);
            for (int edge = nfa.first(state); edge >= 0; edge = nfa.next(edge)) {
                if (nfa.low(edge) == Nfa.EPSILON) {
                    mark(nfa.target(edge));
                }
            }
            if (matters(state)) {
                states.add(state);
            }
        }
        work.steps(reached.size());
        for (int i = 0; i < reached.size(); i++) {
            marked.clear(reached.get(i));
        }
        reached.clear();
        return states.sorted();
    }

    private boolean matters(int state) {
        if (state == Nfa.END) {
            return true;
        }
        for (int edge = nfa.first(state); edge >= 0; edge = nfa.next(edge)) {
            if (nfa.low(edge) != Nfa.EPSILON) {
                return true;
            }
        }
        return false;
    }

    private int number(int[] states) {
        Integer before = numbers.putIfAbsent(new Subset(states), subsets.size());
        if (before != null) {
            return before;
        }
        work.state();
        subsets.add(states);
        return subsets.size() - 1;
    }
}
