package dev.millrace.operators.engine;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.engine.EngineListener.SequenceOutput;
import dev.millrace.operators.scheduler.Scheduler;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.BeamSearch.Growth;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Hypothesis;
import dev.millrace.operators.sequence.Sequence;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The engine's beam searches: puts their beams before the scheduler as sequences like others, and tells the answers once a
 * search is over, best first as choices 0, 1, …
 */
final class BeamSearches {

    private static final int MOST_TOKENS = 64; // of an output, so that its event fits into every topic
    private static final int MOST_CANDIDATES = 2048;

    private final Map<String, BeamSearch> byRequest = new HashMap<>();
    private final Scheduler scheduler;
    private final EngineListener listener;
    private final Consumer<Sequence> enter;

    /**
     * @param enter makes a sequence ready to run
     */
    BeamSearches(Scheduler scheduler, EngineListener listener, Consumer<Sequence> enter) {
        this.scheduler = scheduler;
        this.listener = listener;
        this.enter = enter;
    }

    boolean isEmpty() {
        return byRequest.isEmpty();
    }

    boolean contains(String requestId) {
        return byRequest.containsKey(requestId);
    }

    void add(BeamSearch search) {
        search.answers().forEach(enter);
        if (search.isOver()) {
            tell(search);
            return;
        }
        byRequest.put(search.requestId(), search);
        search.beams().forEach(this::begin);
    }

    /** Handles a beam's likeliest next tokens; with those of the last beam, all go on. */
    void handle(Sequence beam, SampleLogprobs next) {
        BeamSearch search = byRequest.get(beam.requestId());
        if (!search.tryComplete(beam, next)) {
            return;
        }
        Growth growth = search.grow();
        growth.dropped().forEach(this::drop);
        if (search.isOver()) {
            growth.grown().forEach(this::drop);
            byRequest.remove(search.requestId());
            tell(search);
        } else {
            growth.grown().forEach(scheduler::register);
            growth.forked().forEach(this::begin);
        }
    }

    /** Ends a search without answers; false if there is none. Blocks return when nothing of them is in flight. */
    boolean tryAbort(String requestId) {
        BeamSearch search = byRequest.remove(requestId);
        if (search == null) {
            return false;
        }
        for (Sequence beam : search.beams()) {
            beam.completion().finish(FinishReason.ABORT);
            scheduler.remove(beam);
            if (beam.progress().stepsInFlight() == 0) {
                scheduler.release(beam);
            }
        }
        for (Sequence answer : search.answers()) {
            answer.completion().finish(FinishReason.ABORT);
            listener.onOutput(new SequenceOutput(
                    answer,
                    0,
                    new int[0],
                    List.of(),
                    0,
                    null,
                    answer.completion().finish(),
                    null));
        }
        return true;
    }

    private void begin(Sequence beam) {
        enter.accept(beam);
        scheduler.add(beam);
    }

    private void drop(Sequence beam) {
        scheduler.remove(beam);
        scheduler.release(beam);
    }

    private void tell(BeamSearch search) {
        List<Hypothesis> best = search.best();
        Sequence first = search.answers().get(0); // whose beams they were
        for (int i = 0; i < best.size(); i++) {
            Sequence answer = search.answers().get(i);
            answer.timeline().follow(first.timeline());
            tell(answer, best.get(i));
        }
    }

    private void tell(Sequence answer, Hypothesis found) {
        int atOnce = found.logprobs() == null
                ? MOST_TOKENS
                : Math.max(
                        1,
                        Math.min(
                                MOST_TOKENS,
                                MOST_CANDIDATES / (1 + answer.params().logprobs())));
        int[] tokens = found.tokens();
        for (int from = 0; from < tokens.length; from += atOnce) {
            int to = Math.min(from + atOnce, tokens.length);
            int textStart = answer.completion().emittedChars();
            List<String> text =
                    Arrays.stream(tokens, from, to).mapToObj(answer::append).toList();
            listener.onOutput(new SequenceOutput(
                    answer,
                    from,
                    Arrays.copyOfRange(tokens, from, to),
                    text,
                    textStart,
                    found.logprobs() == null ? null : found.logprobs().subList(from, to),
                    answer.completion().finish(),
                    answer.completion().stopReason()));
        }
    }
}
