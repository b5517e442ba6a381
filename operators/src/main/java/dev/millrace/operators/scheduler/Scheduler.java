package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.Limits;
import dev.millrace.operators.kvcache.BlockAllocator;
import dev.millrace.operators.sequence.Placement;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;

/**
 * Decides which tokens each step computes. There is no prefill phase and no decode phase: a step gives sequences tokens
 * until what is computed catches up with their length (vLLM {@code v1/core/sched/scheduler.py}). Running sequences come
 * first, then waiting ones, both in one order of importance. Where blocks run out the least important running sequence
 * gives up all of its own and waits to be computed anew.
 *
 * <p>Steps run in the order in which they are made here, so what a preempted sequence held may be used by others at
 * once, while steps that read it are still in flight.
 */
public final class Scheduler {

    private static final int[] NO_DRAFTS = {};

    private final Limits limits;
    private final Scheduling scheduling;
    private final Comparator<Sequence> order;
    private final KvSpace kv;
    private final EncoderCache encoder;
    private final FreeRows rows;
    private final TreeSet<Sequence> waiting;
    private final ArrayList<Sequence> running = new ArrayList<>();
    private final Siblings siblings;
    private final Drafter drafter;
    private final Counts counts = new Counts();
    private long steps;

    public Scheduler(
            Limits limits, Scheduling scheduling, BlockAllocator allocator, int blockSize, EncoderCache encoder) {
        this.limits = limits;
        this.scheduling = scheduling;
        this.order = scheduling.policy().order();
        this.kv = new KvSpace(allocator, blockSize, scheduling.enablePrefixCaching());
        this.drafter = new Drafter(scheduling.speculation());
        this.siblings = new Siblings(running, order, kv);
        this.encoder = encoder;
        this.rows = new FreeRows(limits.maxNumSeqs());
        this.waiting = new TreeSet<>(order);
    }

    /** Takes a sequence in; it waits for admission. */
    public void add(Sequence sequence) {
        if (!waiting.add(sequence)) {
            throw new IllegalArgumentException("sequence " + sequence.requestId() + " was added twice");
        }
    }

    /** Sequences that wait for admission, preempted ones included, the most important first. */
    public Iterable<Sequence> waiting() {
        return Collections.unmodifiableSet(waiting);
    }

    public int numWaiting() {
        return waiting.size();
    }

    /** Sequences that hold a row and blocks, the most important first. */
    public List<Sequence> running() {
        return Collections.unmodifiableList(running);
    }

    public Counts counts() {
        return counts;
    }

    /**
     * Makes the next step; empty if nothing can be computed now. Places the media to be encoded ahead of later ones.
     *
     * @param mayGuess whether sequences may speculate: all of them do in one step, for which those wait that could go before
     */
    public Step schedule(boolean mayGuess) {
        Step step = fill(mayGuess);
        while (step.isEmpty() && isStuck()) {
            preempt(running.remove(running.size() - 1));
            step = fill(mayGuess);
        }
        if (!step.isEmpty()) {
            steps++;
            launch(step);
        }
        return step;
    }

    private Step fill(boolean mayGuess) {
        Step step = new Step(steps, limits.maxNumBatchedTokens(), running.size() + 1);
        if (tryScheduleRunning(step, mayGuess)) {
            admitWaiting(step);
        }
        step.copy(kv.takeCopies());
        return step;
    }

    /** Whether those that run have all they need until others, which wait for their rows or blocks, have computed theirs. */
    private boolean isStuck() {
        return !running.isEmpty()
                && encoder.isIdle()
                && running.stream().allMatch(Sequence::isHeld)
                && waiting.stream()
                        .anyMatch(sequence ->
                                !sequence.isHeld() && sequence.progress().tokensInFlight() == 0);
    }

    /** Lets others find a sequence's full blocks, once another of its tokens is known. */
    public void register(Sequence sequence) {
        kv.register(sequence);
    }

    /** Takes a sequence that has ended out of the running and waiting ones; it keeps what it holds. */
    public void remove(Sequence sequence) {
        if (!waiting.remove(sequence)) {
            running.remove(Collections.binarySearch(running, sequence, order));
        }
    }

    /** Takes back all that a sequence holds. */
    public void release(Sequence sequence) {
        Placement placement = sequence.placement();
        encoder.releaseAll(sequence);
        kv.free(sequence);
        if (placement.hasRow()) {
            rows.give(placement.row());
            placement.leaveRow();
        }
    }

    /** False if blocks ran out, so that no one may be admitted. */
    private boolean tryScheduleRunning(Step step, boolean mayGuess) {
        long preemptions = counts.preemptions();
        for (int i = 0; i < running.size() && step.budget() > 0; i++) {
            Sequence sequence = running.get(i);
            boolean guesses = sequence.draftable() > 0;
            int count = guesses && !mayGuess ? 0 : available(sequence, wanted(sequence, step));
            if (count > 0 && tryMakeRoom(sequence, count, step)) {
                int others = running.size() - 1 - i;
                int[] drafts = drafter.draft(sequence, step.budget() - count - others);
                boolean fits = drafts.length == 0 || tryExtend(sequence, count + drafts.length, step);
                step.add(sequence, count, fits ? drafts : NO_DRAFTS);
            }
        }
        return counts.preemptions() == preemptions;
    }

    /**
     * Admits in order. A sequence whose next picture is being encoded, or for the log-probabilities of whose prompt the
     * step has no room left, lets others go first, but not to the row and blocks that it will need; so does one whose
     * prompt is being computed, or waits to be, for another choice of its request.
     */
    private void admitWaiting(Step step) {
        List<Sequence> expecting = new ArrayList<>(0);
        int promised = 0;
        Iterator<Sequence> candidates = waiting.iterator();
        while (candidates.hasNext() && rows.size() > expecting.size()) {
            Sequence sequence = candidates.next();
            if (sequence.isHeld()) {
                continue;
            }
            int forkPoint = siblings.forkPoint(sequence, step);
            if (forkPoint >= 0) {
                if (!tryFork(sequence, forkPoint, step, promised)) {
                    break;
                }
                candidates.remove();
                promised++;
                continue;
            }
            Sequence ahead = siblings.ahead(sequence);
            if (ahead == null && (!siblings.isEmpty(sequence) || isSiblingOfLast(expecting, sequence))) {
                expecting.add(sequence);
                promised += kv.ownBlocks(sequence, Siblings.common(sequence));
                continue;
            }
            if (step.budget() == 0
                    || sequence.progress().tokensInFlight() > 0
                    || !tryBegin(sequence, ahead, promised)) {
                break;
            }
            int wanted = wanted(sequence, step);
            int count = available(sequence, wanted);
            if (wanted == 0) {
                expecting.add(sequence);
                promised += kv.blocksFor(sequence);
            } else if (count == wanted || count > 0 && encoder.isNextThere(sequence)) {
                candidates.remove();
                admit(sequence, ahead, count, step);
            } else if (encoder.isNextComing(sequence)) {
                expecting.add(sequence);
                promised += kv.blocksFor(sequence);
            } else {
                giveUp(sequence);
                break;
            }
        }
        expecting.forEach(this::giveUp);
    }

    private static boolean isSiblingOfLast(List<Sequence> expecting, Sequence sequence) {
        return !expecting.isEmpty() && expecting.get(expecting.size() - 1).isSibling(sequence);
    }

    /** Has a waiting sequence begin with what others computed of it; false if it does not fit beside what is promised. */
    private boolean tryBegin(Sequence sequence, Sequence ahead, int promised) {
        int begun = ahead == null ? kv.cachedTokens(sequence) : Siblings.common(sequence, ahead);
        boolean fits = ahead == null ? kv.fits(sequence, begun, promised) : kv.fitsBeside(sequence, begun, promised);
        if (!fits) {
            return false;
        }
        sequence.progress().restartAt(begun);
        encoder.pass(sequence);
        return true;
    }

    private void giveUp(Sequence sequence) {
        encoder.releaseAll(sequence);
        sequence.progress().restartAt(0);
    }

    /** @param ahead the sibling whose blocks it shares, or null */
    private void admit(Sequence sequence, Sequence ahead, int count, Step step) {
        if (ahead == null) {
            if (sequence.timeline().tryMarkAdmitted(sequence.progress().computed())) {
                counts.addPrefixLookup(sequence.promptLength(), sequence.cachedTokens());
            }
            kv.share(sequence);
        } else {
            sequence.timeline().tryMarkAdmitted(0);
            kv.share(sequence, ahead, sequence.progress().computed());
        }
        kv.tryExtend(sequence, count);
        enter(sequence, step);
        step.add(sequence, count);
    }

    /** Has a sequence share all that a sibling has once the step is done, the logits that both sample from included. */
    private boolean tryFork(Sequence sequence, int sibling, Step step, int promised) {
        int prompt = sequence.promptLength();
        if (!kv.fitsBeside(sequence, prompt, promised)) {
            return false;
        }
        sequence.timeline().tryMarkAdmitted(0);
        kv.share(sequence, step.sequence(sibling), prompt);
        enter(sequence, step);
        step.addForked(sequence, sibling);
        return true;
    }

    private void enter(Sequence sequence, Step step) {
        running.add(-1 - Collections.binarySearch(running, sequence, order), sequence);
        sequence.placement().takeRow(rows.take());
        step.addAdmitted(sequence);
        step.addTableUpdates(sequence.placement());
    }

    /** Tokens that a sequence would compute in a step with what is left of its budgets. */
    private int wanted(Sequence sequence, Step step) {
        int within = sequence.promptScores()
                .tokensWithin(step.scoreBudget(), sequence.progress().computed());
        int count = Math.min(sequence.computable(), Math.min(step.budget(), within));
        boolean cut = scheduling.enableChunkedPrefill() && scheduling.longPrefillTokenThreshold() > 0;
        return cut ? Math.min(count, scheduling.longPrefillTokenThreshold()) : count;
    }

    /** How many of them it can, held up by no media. */
    private int available(Sequence sequence, int wanted) {
        int count = wanted == 0 ? 0 : encoder.hold(sequence, wanted);
        boolean inChunks =
                scheduling.enableChunkedPrefill() || sequence.promptScores().isOpen();
        return inChunks || count == sequence.computable() ? count : 0;
    }

    /** Gets blocks for a running sequence, from less important ones if need be; false if it lost its own instead. */
    private boolean tryMakeRoom(Sequence sequence, int count, Step step) {
        while (!kv.tryExtend(sequence, count)) {
            Sequence victim = running.remove(running.size() - 1);
            preempt(victim);
            if (victim == sequence) {
                return false;
            }
        }
        step.addTableUpdates(sequence.placement());
        return true;
    }

    /** Gets blocks for a running sequence's drafts too, from nobody. */
    private boolean tryExtend(Sequence sequence, int count, Step step) {
        if (!kv.tryExtend(sequence, count)) {
            return false;
        }
        step.addTableUpdates(sequence.placement());
        return true;
    }

    private void preempt(Sequence sequence) {
        release(sequence);
        sequence.progress().restartAt(0);
        waiting.add(sequence);
        counts.addPreemption();
    }

    /** From here on the step counts as launched. What it writes may be found from the next step on. */
    private void launch(Step step) {
        for (int i = 0; i < step.numSequences(); i++) {
            Sequence sequence = step.sequence(i);
            if (step.count(i) == 0) { // it is forked: until now nothing of it was there
                sequence.progress().restartAt(step.start(i));
            }
            int promptLeft =
                    Math.max(0, sequence.promptLength() - sequence.progress().computed());
            counts.addPromptTokens(Math.min(step.count(i), promptLeft));
            sequence.progress().launched(step.count(i), step.drafts(i).length, step.samples(i));
            sequence.promptScores().launch(step.scores(i));
            if (step.count(i) > 1) { // a single token's block is registered once its successor is known
                kv.register(sequence);
            }
            encoder.pass(sequence);
        }
    }
}
