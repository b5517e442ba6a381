package dev.millrace.operators.sequence;

/** How far the computation of a sequence's tokens is, counted in what was launched, and what of that is still in flight. */
public final class Progress {

    private int computed;
    private int seen;
    private int tokensInFlight;
    private int stepsInFlight;

    /** Tokens whose computation was launched, drafts included. */
    public int computed() {
        return computed;
    }

    /** How many of them the draft model was given, if there is one. */
    public int seen() {
        return seen;
    }

    /** Sampled tokens that are not known yet. */
    public int tokensInFlight() {
        return tokensInFlight;
    }

    public int stepsInFlight() {
        return stepsInFlight;
    }

    /** Runs, or waits to run, with so many tokens computed before, by itself or by others. */
    public void restartAt(int cached) {
        computed = cached;
        seen = cached;
    }

    /** Goes with a step that computes {@code count} tokens and drafts behind them; the draft model does not see the last. */
    public void launched(int count, int drafts, boolean samples) {
        seen = computed + count + Math.max(0, drafts - 1);
        computed += count + drafts;
        stepsInFlight++;
        tokensInFlight += samples ? 1 : 0;
    }

    /** A step it went with is done. */
    public void landed(boolean sampled) {
        stepsInFlight--;
        tokensInFlight -= sampled ? 1 : 0;
    }

    /** What was computed of tokens from that number on does not count. */
    void cutTo(int tokens) {
        computed = Math.min(computed, tokens);
        seen = Math.min(seen, computed);
    }
}
