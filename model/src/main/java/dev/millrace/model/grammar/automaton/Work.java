package dev.millrace.model.grammar.automaton;

/** What one grammar may cost to be compiled, over all its parts; steps stand for time and memory. For one thread. */
public final class Work {

    private static final int MAX_STATES = 1 << 17;
    private static final long MAX_STEPS = 50_000_000;

    private int states;
    private long steps;

    /** States made until now. */
    public int states() {
        return states;
    }

    /**
     * @throws GrammarException if the grammar has become too large
     */
    void state() {
        if (++states > MAX_STATES) {
            throw new GrammarException("it is too large: over " + MAX_STATES
                    + " states. Lower the counts of its repetitions, its lengths, or split it");
        }
    }

    /**
     * @throws GrammarException if the grammar takes too long
     */
    void steps(long count) {
        steps += count;
        if (steps > MAX_STEPS) {
            throw new GrammarException("it is too complex: after " + MAX_STEPS
                    + " steps it is not compiled. Lower the counts of its repetitions, or make it less ambiguous");
        }
    }
}
