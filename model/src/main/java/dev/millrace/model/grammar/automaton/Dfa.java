package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A deterministic automaton over bytes and calls of rules. Bytes that no state tells apart are one class. Every state is
 * reached from {@link #START}.
 */
public final class Dfa {

    static final int START = 0;

    /** Where no way leads on. */
    static final int DEAD = -1;

    private static final int[] NO_CALLS = {};

    private final byte[] classOf;
    private final int classes;
    private final List<int[]> next;
    private final List<int[]> calls;
    private final List<Boolean> accepting;

    /** Hears of the bytes that lead from a state to another. */
    interface RangeVisitor {
        void range(int low, int high, int target);
    }

    /**
     * @param classOf [256] each byte's class
     * @param next for each state [classes] the state that follows, or {@link #DEAD}
     * @param calls for each state pairs (rule, state that follows)
     */
    Dfa(byte[] classOf, int classes, List<int[]> next, List<int[]> calls, List<Boolean> accepting) {
        this.classOf = classOf;
        this.classes = classes;
        this.next = next;
        this.calls = calls;
        this.accepting = accepting;
    }

    /**
     * Of an expression that calls no rule.
     *
     * @throws GrammarException if it is too large
     */
    public static Dfa of(Expr expr, Work work) {
        return of(expr, Map.of(), work);
    }

    static Dfa of(Expr expr, Map<String, Integer> rules, Work work) {
        Nfa nfa = new Nfa(rules);
        int start = nfa.build(expr, Nfa.END);
        return new Determinizer(nfa, work).determinize(start);
    }

    public int states() {
        return next.size();
    }

    boolean accepts(int state) {
        return accepting.get(state);
    }

    byte[] classOf() {
        return classOf;
    }

    int classes() {
        return classes;
    }

    /** [classes] the states that follow; not to be changed. */
    int[] next(int state) {
        return next.get(state);
    }

    /** Pairs (rule, state that follows); not to be changed. */
    int[] calls(int state) {
        return calls.get(state);
    }

    int after(int state, int unsignedByte) {
        return state == DEAD ? DEAD : next.get(state)[classOf[unsignedByte] & 0xff];
    }

    void forEachRange(int state, RangeVisitor visitor) {
        int from = 0;
        for (int b = 1; b <= 256; b++) {
            if (b == 256 || after(state, b) != after(state, from)) {
                if (after(state, from) != DEAD) {
                    visitor.range(from, b - 1, after(state, from));
                }
                from = b;
            }
        }
    }

    /** What both accept. Neither calls a rule. */
    public Dfa and(Dfa other, Work work) {
        return new Product(this, other, false).build(work);
    }

    /** What this accepts and {@code other} does not. Neither calls a rule. */
    public Dfa minus(Dfa other, Work work) {
        return new Product(this, other, true).build(work);
    }

    /** Whether it accepts nothing. */
    public boolean isEmpty() {
        return !accepting.contains(true);
    }

    /** Whether it accepts a text's bytes. */
    public boolean accepts(byte[] bytes) {
        int state = START;
        for (byte b : bytes) {
            state = after(state, b & 0xff);
        }
        return state != DEAD && accepting.get(state);
    }

    /** Collects states. */
    static final class Builder {
        private final List<int[]> next = new ArrayList<>();
        private final List<int[]> calls = new ArrayList<>();
        private final List<Boolean> accepting = new ArrayList<>();

        void add(int[] following, int[] called, boolean accepts) {
            next.add(following);
            calls.add(called.length == 0 ? NO_CALLS : called);
            accepting.add(accepts);
        }

        Dfa build(byte[] classOf, int classes) {
            return new Dfa(classOf, classes, next, calls, accepting);
        }
    }
}
