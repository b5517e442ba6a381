package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.operators.sequence.Sequence;
import java.util.Arrays;

/** Decides which tokens a sequence guesses behind its last one. */
final class Drafter {

    private static final int[] NONE = {};

    private final Speculation speculation;
    private final PromptLookup lookup;

    Drafter(Speculation speculation) {
        this.speculation = speculation;
        this.lookup = new PromptLookup(speculation.promptLookupMin(), speculation.promptLookupMax());
    }

    /** The sequence's drafts, at most {@code most}: tokens, or {@link ForwardBatch#DRAFTED} where the executor makes them. */
    int[] draft(Sequence sequence, int most) {
        int count = Math.min(Math.min(most, speculation.numSpeculativeTokens()), sequence.draftable());
        if (count <= 0) {
            return NONE;
        }
        if (speculation.hasDraftModel()) {
            return drafted(count);
        }
        int[] drafts = lookup.draft(sequence.tokens(), count);
        return Arrays.copyOf(drafts, sequence.completion().allowed(drafts));
    }

    private static int[] drafted(int count) {
        int[] places = new int[count];
        Arrays.fill(places, ForwardBatch.DRAFTED);
        return places;
    }
}
