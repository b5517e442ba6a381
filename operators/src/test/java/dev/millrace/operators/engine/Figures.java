package dev.millrace.operators.engine;

/**
 * What happened to requests while they were answered.
 *
 * @param preemptions how often a sequence lost its blocks to others
 * @param restarts how often the engine was given up for a new one
 * @param prefixHits tokens of prompts that were found in the prefix cache
 * @param answersFound how often tokens of an earlier answer were among them
 * @param drafts how often a sequence drafted
 * @param draftTokens tokens that were drafted
 * @param acceptedTokens those of them that were right
 */
record Figures(
        long preemptions,
        long restarts,
        long prefixHits,
        long answersFound,
        long drafts,
        long draftTokens,
        long acceptedTokens) {

    static final Figures NONE = new Figures(0, 0, 0, 0, 0, 0, 0);

    Figures plus(Figures other) {
        return new Figures(
                preemptions + other.preemptions,
                restarts + other.restarts,
                prefixHits + other.prefixHits,
                answersFound + other.answersFound,
                drafts + other.drafts,
                draftTokens + other.draftTokens,
                acceptedTokens + other.acceptedTokens);
    }

    Figures plus(EngineStats stats) {
        SpeculationStats speculation = stats.speculation();
        return plus(new Figures(
                stats.numPreemptions(),
                0,
                stats.prefixCacheHits(),
                0,
                speculation.numDrafts(),
                speculation.numDraftTokens(),
                speculation.numAcceptedTokens()));
    }

    Figures plusRestart() {
        return plus(new Figures(0, 1, 0, 0, 0, 0, 0));
    }

    Figures plusAnswersFound(long count) {
        return plus(new Figures(0, 0, 0, count, 0, 0, 0));
    }

    long rejectedTokens() {
        return draftTokens - acceptedTokens;
    }
}
