package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.operators.kvcache.BlockTable;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.sequence.Placement;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.List;

/**
 * What one step computes: of each of its sequences some tokens, and whether another is sampled after them. A sequence that
 * is forked computes none: it samples after the tokens of the sequence before it.
 */
public final class Step {

    private static final int[] NO_DRAFTS = {};

    private final long number;
    private final List<Sequence> sequences;
    private final IntList starts;
    private final IntList counts; // negated where no token is sampled
    private final IntList scoreStarts;
    private final IntList scoreCounts;
    private final List<Sequence> admitted = new ArrayList<>();
    private final IntList tableUpdates = new IntList(16);
    private int budget;
    private int numTokens;
    private int numSamples;
    private int numForked;
    private int[] copyPairs;
    private final List<int[]> drafts;
    private final IntList unseen;
    private int scoreBudget = ForwardBatch.MOST_TARGETS;
    private boolean speculative;

    Step(long number, int budget, int expectedSequences) {
        this.number = number;
        this.budget = budget;
        this.sequences = new ArrayList<>(expectedSequences);
        this.starts = new IntList(expectedSequences);
        this.counts = new IntList(expectedSequences);
        this.scoreStarts = new IntList(expectedSequences);
        this.scoreCounts = new IntList(expectedSequences);
        this.drafts = new ArrayList<>(expectedSequences);
        this.unseen = new IntList(expectedSequences);
    }

    public long number() {
        return number;
    }

    public boolean isEmpty() {
        return numTokens == 0;
    }

    public int numSequences() {
        return sequences.size();
    }

    /** Those of them that are forked. */
    public int numForked() {
        return numForked;
    }

    public int numTokens() {
        return numTokens;
    }

    /** Tokens sampled and tokens of prompts whose log-probabilities are asked for. */
    public int numSamples() {
        return numSamples;
    }

    public Sequence sequence(int index) {
        return sequences.get(index);
    }

    /** Index in its sequence of the first token computed. */
    public int start(int index) {
        return starts.get(index);
    }

    /** Tokens computed, drafts aside; none of a sequence that is forked. */
    public int count(int index) {
        return Math.abs(counts.get(index));
    }

    /** Whether another token is sampled after them. */
    public boolean samples(int index) {
        return counts.get(index) >= 0;
    }

    /** Number of the first of a sequence's {@link #scores}. */
    public int scoreStart(int index) {
        return scoreStarts.get(index);
    }

    /** How many log-probabilities of its prompt a sequence gets. */
    public int scores(int index) {
        return scoreCounts.get(index);
    }

    /**
     * What a sequence guesses behind them, a further token being sampled after each: tokens, or {@link ForwardBatch#DRAFTED}
     * where the executor is to guess.
     */
    public int[] drafts(int index) {
        return drafts.get(index);
    }

    /** Index in its sequence of the first token that the draft model has not seen. */
    public int unseen(int index) {
        return unseen.get(index);
    }

    /** Whether a sequence that speculates samples. */
    public boolean isSpeculative() {
        return speculative;
    }

    /** Sequences that take over a row in this step. */
    public List<Sequence> admitted() {
        return admitted;
    }

    /** Pairs (from, to) of blocks that are copied before anything is written. */
    public int[] copyPairs() {
        return copyPairs;
    }

    /** Triples (row, index in the row's block table, block). */
    public int[] tableUpdates() {
        return tableUpdates.toArray(0);
    }

    int budget() {
        return budget;
    }

    /** Log-probabilities of prompts that there is room for. */
    int scoreBudget() {
        return scoreBudget;
    }

    void add(Sequence sequence, int count) {
        add(sequence, count, NO_DRAFTS);
    }

    void add(Sequence sequence, int count, int[] guessed) {
        boolean samples = sequence.progress().computed() + count == sequence.length();
        int scores = sequence.promptScores().entries(sequence.progress().computed() + count);
        sequences.add(sequence);
        starts.add(sequence.progress().computed());
        counts.add(samples ? count : -count);
        scoreStarts.add(sequence.promptScores().launched());
        scoreCounts.add(scores);
        drafts.add(guessed);
        unseen.add(sequence.progress().seen());
        speculative |= samples && sequence.speculates();
        scoreBudget -= scores;
        budget -= count + guessed.length;
        numTokens += count + guessed.length;
        numSamples += scores + (samples ? 1 + guessed.length : 0);
    }

    /** Where a sequence's first token is sampled; −1 if not in this step. */
    int firstSample(Sequence sequence) {
        int at = sequences.lastIndexOf(sequence);
        return at >= 0 && samples(at) && start(at) + count(at) == sequence.promptLength() ? at : -1;
    }

    /** Adds a sequence whose first token is sampled from the same logits as that of its sibling at an index. */
    void addForked(Sequence sequence, int sibling) {
        sequences.add(sibling + 1, sequence);
        starts.insert(sibling + 1, sequence.promptLength());
        counts.insert(sibling + 1, 0);
        scoreStarts.insert(sibling + 1, 0);
        scoreCounts.insert(sibling + 1, 0);
        drafts.add(sibling + 1, NO_DRAFTS);
        unseen.insert(sibling + 1, sequence.promptLength());
        speculative |= sequence.speculates();
        numSamples++;
        numForked++;
    }

    void copy(int[] pairs) {
        copyPairs = pairs;
    }

    void addAdmitted(Sequence sequence) {
        admitted.add(sequence);
    }

    /** Tells the executor of what has changed in a sequence's table. */
    void addTableUpdates(Placement placement) {
        BlockTable blocks = placement.blocks();
        for (int i = blocks.takeFirstChanged(); i < blocks.size(); i++) {
            tableUpdates.add(placement.row());
            tableUpdates.add(i);
            tableUpdates.add(blocks.block(i));
        }
    }
}
