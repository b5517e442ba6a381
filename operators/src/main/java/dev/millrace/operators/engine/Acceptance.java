package dev.millrace.operators.engine;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.operators.sequence.Sequence;

/** Finds which drafts are right and counts them. */
final class Acceptance {

    private final long[] perPosition;
    private long drafts;
    private long draftTokens;
    private long acceptedTokens;

    /** @param mostDrafts of a sequence in a step */
    Acceptance(int mostDrafts) {
        perPosition = new long[mostDrafts];
    }

    SpeculationStats stats() {
        return new SpeculationStats(drafts, draftTokens, acceptedTokens, perPosition.clone());
    }

    /** The verdict on a step's drafts, asked for one sequence after another in its order. */
    final class Step {
        private final StepOutput output;
        private int made; // drafts of the executor that were looked at

        Step(StepOutput output) {
            this.output = output;
        }

        /**
         * Has a sequence keep the drafts that are right, each being equal to the sample before it; how many there are.
         *
         * @param guessed its drafts, or the places where the executor made them
         * @param sample its first sample
         */
        int accept(Sequence sequence, int[] guessed, int sample) {
            if (guessed.length == 0) {
                return 0;
            }
            int accepted = 0;
            for (int i = 0; i < guessed.length; i++) {
                int draft = guessed[i] == ForwardBatch.DRAFTED ? output.drafts()[made++] : guessed[i];
                accepted += accepted == i && output.tokens()[sample + i] == draft ? 1 : 0;
            }
            if (!sequence.completion().isFinished()) {
                sequence.accept(accepted);
                count(guessed.length, accepted);
            }
            return accepted;
        }
    }

    private void count(int guessed, int accepted) {
        drafts++;
        draftTokens += guessed;
        acceptedTokens += accepted;
        for (int i = 0; i < accepted; i++) {
            perPosition[i]++;
        }
    }
}
