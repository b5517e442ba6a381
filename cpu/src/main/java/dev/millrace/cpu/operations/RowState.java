package dev.millrace.cpu.operations;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.Sampler;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.sampling.TokenCounts;
import java.util.Arrays;

/** What the executor knows of one sequence between steps. */
final class RowState {

    private int[] table = new int[Kernels.LANES];
    private SamplingParams params = SamplingParams.greedy();
    private TokenCounts counts;
    private int choice;
    private int outputLength;
    private int lastToken;

    /** Takes over a sequence and forgets the one before. */
    void assign(RowAssignment assignment) {
        Arrays.fill(table, 0);
        params = assignment.params();
        choice = assignment.choice();
        outputLength = assignment.outputIds().length;
        int[] known = outputLength > 0 ? assignment.outputIds() : assignment.promptIds();
        lastToken = known.length > 0 ? known[known.length - 1] : 0;
        counts = params.hasPenalties() ? count(assignment) : null;
    }

    /** Makes {@code block} the sequence's {@code index}-th. */
    void setBlock(int index, int block) {
        if (index >= table.length) {
            table = Arrays.copyOf(table, Math.max(index + 1, 2 * table.length));
        }
        table[index] = block;
    }

    /** Block of the sequence's {@code index}-th 16 tokens. */
    int block(int index) {
        return table[index];
    }

    /** Blocks of the sequence in order; those past its end mean nothing. */
    int[] table() {
        return table;
    }

    int lastToken() {
        return lastToken;
    }

    /** What a draw for the token at {@code position} depends on. */
    Sampler.Context context(int position, int[] banned, int[] allowed) {
        return new Sampler.Context(params, counts, outputLength, choice, position, banned, allowed);
    }

    /** Takes note of a drawn token. */
    void sampled(int token) {
        lastToken = token;
        outputLength++;
        if (counts != null) {
            counts.addOutput(token);
        }
    }

    /** Takes back a token that was taken note of, but not that it was the last. */
    void retract(int token) {
        outputLength--;
        if (counts != null) {
            counts.removeOutput(token);
        }
    }

    private static TokenCounts count(RowAssignment assignment) {
        TokenCounts counts = new TokenCounts();
        for (int token : assignment.promptIds()) {
            counts.addPrompt(token);
        }
        for (int token : assignment.outputIds()) {
            counts.addOutput(token);
        }
        return counts;
    }
}
