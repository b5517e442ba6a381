package dev.millrace.operators.sequence;

/**
 * How far the log-probabilities of a prompt's tokens are, each but the first's, where they are asked for: entry {@code i} is
 * that of token {@code i + 1}, under the logits at token {@code i}. Every entry is computed once, in order, whatever is
 * preempted; after a restore those go on that were not emitted.
 */
public final class PromptScores {

    /** Candidates of one step, so that its event fits into every topic; one token's always go. */
    private static final int MOST_CANDIDATES = 2048;

    private final int most; // entries of a step
    private final int total;
    private int launched;
    private int handled;

    /**
     * @param promptLength tokens of the prompt
     * @param emitted entries that were emitted before
     */
    PromptScores(int promptLogprobs, int promptLength, int emitted) {
        most = Math.max(1, MOST_CANDIDATES / (1 + Math.max(0, promptLogprobs)));
        total = promptLogprobs < 0 ? 0 : promptLength - 1;
        launched = emitted;
        handled = emitted;
    }

    /** Whether entries are to be launched. */
    public boolean isOpen() {
        return launched < total;
    }

    /** Entries launched; the next one's number. */
    public int launched() {
        return launched;
    }

    /** Entries handled, and emitted. */
    public int handled() {
        return handled;
    }

    /** The next entries that are there once so many tokens are computed. */
    public int entries(int computed) {
        return Math.max(0, Math.min(computed, total) - launched);
    }

    /**
     * How many tokens a step may compute after the computed ones, which are no more than the entries launched if any are
     * open.
     *
     * @param room entries that the step has room for
     * @throws IllegalStateException if tokens are computed whose entries are to be launched
     */
    public int tokensWithin(int room, int computed) {
        if (isOpen() && computed > launched) {
            throw new IllegalStateException(
                    computed + " tokens of the prompt are computed, by others perhaps, but only " + launched
                            + " of its log-probabilities are launched; these would never come");
        }
        int entries = Math.min(room, most);
        return total - launched <= entries ? Integer.MAX_VALUE : launched + entries - computed;
    }

    /** Goes with a step that brings so many entries. */
    public void launch(int count) {
        launched += count;
    }

    /** Takes note of entries that were brought. */
    public void handle(int count) {
        handled += count;
    }
}
