package dev.millrace.operators.scheduler;

import dev.millrace.operators.sequence.Sequence;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/** Finds, for a sequence that waits, the running choices of its request. In order of importance they are neighbours. */
final class Siblings {

    private final List<Sequence> running;
    private final Comparator<Sequence> order;
    private final KvSpace kv;

    /**
     * @param running sequences that hold blocks, in their order
     */
    Siblings(List<Sequence> running, Comparator<Sequence> order, KvSpace kv) {
        this.running = running;
        this.order = order;
        this.kv = kv;
    }

    /** Where in the step a sibling's first token is sampled, from logits that are the sequence's too; −1 if nowhere. */
    int forkPoint(Sequence sequence, Step step) {
        if (sequence.length() > sequence.promptLength()) {
            return -1;
        }
        for (Sequence sibling : of(sequence)) {
            if (sibling.length() == sibling.promptLength()) {
                return step.firstSample(sibling);
            }
        }
        return -1;
    }

    /** One whose blocks hold all that the sequence has in common with it; null if there is none. */
    Sequence ahead(Sequence sequence) {
        int common = sequence.commonTokens();
        for (Sequence sibling : of(sequence)) {
            if (sibling.computed() >= common && kv.isWritten(sibling, common)) {
                return sibling;
            }
        }
        return null;
    }

    boolean isEmpty(Sequence sequence) {
        return of(sequence).isEmpty();
    }

    private List<Sequence> of(Sequence sequence) {
        int at = -1 - Collections.binarySearch(running, sequence, order);
        int from = at;
        while (from > 0 && sequence.isSibling(running.get(from - 1))) {
            from--;
        }
        int to = at;
        while (to < running.size() && sequence.isSibling(running.get(to))) {
            to++;
        }
        return running.subList(from, to);
    }
}
