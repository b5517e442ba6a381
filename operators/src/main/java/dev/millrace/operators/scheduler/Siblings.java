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

    /**
     * The one whose blocks hold most of the sequence, the common prompt at least; null if there is none. Beams have tokens of
     * their answers in common, too.
     */
    Sequence ahead(Sequence sequence) {
        Sequence ahead = null;
        int most = common(sequence) - 1;
        for (Sequence sibling : of(sequence)) {
            int common = common(sequence, sibling);
            if (common > most && kv.isWritten(sibling, common)) {
                ahead = sibling;
                most = common;
            }
        }
        return ahead;
    }

    /** Tokens that a sequence has in common with every other choice of its request, and need not be sampled after. */
    static int common(Sequence sequence) {
        return Math.min(sequence.promptLength(), sequence.length() - 1);
    }

    /** Tokens of a sequence that its sibling has computed, and that need not be sampled after. */
    static int common(Sequence sequence, Sequence sibling) {
        int known = Math.min(sequence.known(), sibling.known());
        int most = Math.min(
                known, Math.min(sequence.length() - 1, sibling.progress().computed()));
        int common = Math.min(sequence.promptLength(), most);
        while (common < most
                && sequence.tokens().get(common) == sibling.tokens().get(common)) {
            common++;
        }
        return common;
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
