package dev.millrace.operators.scheduler;

/** What the scheduler did since the start. */
public final class Counts {

    private long promptTokens;
    private long preemptions;
    private long prefixQueries;
    private long prefixHits;

    /** Prompt tokens whose computation was launched; again for a preempted sequence. */
    public long promptTokens() {
        return promptTokens;
    }

    public long preemptions() {
        return preemptions;
    }

    /** Prompt tokens looked up in the prefix cache, when their sequence was first admitted. */
    public long prefixQueries() {
        return prefixQueries;
    }

    /** Those of them that were found. */
    public long prefixHits() {
        return prefixHits;
    }

    void addPromptTokens(int count) {
        promptTokens += count;
    }

    void addPreemption() {
        preemptions++;
    }

    void addPrefixLookup(int asked, int found) {
        prefixQueries += asked;
        prefixHits += found;
    }
}
