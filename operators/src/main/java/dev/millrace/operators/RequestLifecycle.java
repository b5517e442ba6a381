package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.engine.EngineListener;
import dev.millrace.operators.engine.InferenceEngine;
import dev.millrace.operators.metrics.RequestMetrics;
import dev.millrace.operators.request.ErrorCode;
import dev.millrace.operators.sequence.Sequence;
import dev.millrace.operators.state.RequestHeader;
import dev.millrace.operators.state.RequestSnapshot;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * Carries each request from its arrival to its last event: taken in, prepared, generated, ended by its answer, an error,
 * its deadline or a cancel. Every answer of a request that is taken in gets exactly one last event. Belongs to the task's thread.
 *
 * <p>A second request under the id of an unfinished one is refused under its record's place: an error under the shared id
 * would look like the end of the first one's answer.
 */
final class RequestLifecycle implements EngineListener, PreparationPool.Results {

    private final RequestTracker tracker;
    private final TokenEvents events;
    private final RequestMetrics metrics;
    private final Timers timers;
    private final Consumer<TokenEvent> output;
    private final Cancels cancels = new Cancels();

    private PreparationPool preparation;
    private InferenceEngine engine;

    /** The task's clock, in milliseconds since 1970. */
    interface Timers {
        long now();

        /** Runs {@code action} on the task's thread once the time has come. */
        Future<?> at(long time, Runnable action);
    }

    RequestLifecycle(
            RequestTracker tracker,
            TokenEvents events,
            RequestMetrics metrics,
            Timers timers,
            Consumer<TokenEvent> output) {
        this.tracker = tracker;
        this.events = events;
        this.metrics = metrics;
        this.timers = timers;
        this.output = output;
    }

    /** Who prepares and who generates; both report back here. */
    void connect(PreparationPool pool, InferenceEngine generator) {
        preparation = pool;
        engine = generator;
    }

    /** Takes a record in. */
    void accept(InboundPrompt inbound) {
        if (inbound.getRequest() == null) {
            output.accept(events.unreadable(inbound, now()));
            return;
        }
        RequestHeader header = RequestHeader.of(inbound);
        if (header.requestId().isEmpty()) {
            refuse(header, "request_id must not be empty; it names the answer's events.");
            return;
        }
        take(new TrackedRequest(
                header, tracker.nextArrival(), now(), System.nanoTime(), new Unprepared(inbound.getRequest())));
    }

    /** Takes the requests of a checkpoint in, before any other. */
    void restore(List<RequestSnapshot> snapshots) {
        for (RequestSnapshot snapshot : snapshots) {
            long age = Math.max(0, timers.now() - snapshot.arrivedAt().toEpochMilli());
            take(new TrackedRequest(
                    snapshot.header(),
                    tracker.nextArrival(),
                    snapshot.arrivedAt(),
                    System.nanoTime() - age * 1_000_000,
                    snapshot.work()));
        }
    }

    private void take(TrackedRequest request) {
        if (!tracker.tryAdd(request)) {
            refuse(
                    request.header(),
                    "request_id \"" + request.id() + "\" is that of a request that is being answered; wait for its last"
                            + " event or use another id.");
            return;
        }
        Instant deadline = request.header().deadline();
        if (deadline != null && !deadline.isAfter(now())) {
            expire(request);
            return;
        }
        if (deadline != null) {
            request.endAt(timers.at(deadline.toEpochMilli(), () -> expire(request)));
        }
        if (cancels.cover(request, now())) {
            abort(request);
            return;
        }
        preparation.submit(request);
    }

    /** Ends what is given up, at once or when it arrives. */
    void cancel(Cancel cancel) {
        tracker.unfinished(cancel).forEach(this::abort);
        cancels.remember(cancel);
    }

    private void abort(TrackedRequest request) {
        if (request.choices() == null) {
            output.accept(events.aborted(request, now()));
            end(request, FinishReason.ABORT);
        } else {
            engine.tryAbort(request.id());
        }
    }

    @Override
    public void prepared(TrackedRequest request, PreparedRequest prepared) {
        tracker.begin(request, new Choices(request, prepared, before(request)));
        try {
            request.choices().enter(engine);
        } catch (InvalidInputException e) {
            fail(request, ErrorCode.INVALID_REQUEST.error(e.getMessage(), e.param()));
        }
        engine.launchSteps();
    }

    @Override
    public void refused(TrackedRequest request, EventError error) {
        fail(request, error);
    }

    @Override
    public void onOutput(SequenceOutput output) {
        TrackedRequest request = tracker.find(output.sequence().requestId());
        if (request == null) {
            return; // its deadline passed, and the engine confirms that it has ended it
        }
        String fault = output.sequence().completion().fault();
        measure(request, output);
        events.echo(request, output, now()).forEach(this.output);
        this.output.accept(events.tokens(request, fault == null ? output : output.unfinished(), now()));
        if (fault != null) {
            fail(request, ErrorCode.INVALID_REQUEST.error(fault, "structured_outputs"));
        } else if (output.finish() != null && request.choices().areFinished()) {
            end(request, FinishReason.valueOf(output.finish().name()));
        }
    }

    @Override
    public void onPromptLogprobs(Sequence sequence, int firstPosition, List<SampleLogprobs> logprobs) {
        TrackedRequest request = tracker.find(sequence.requestId());
        if (request != null) {
            request.choices().answer(sequence.choice()).scheduled(timers.now(), System.nanoTime());
            output.accept(events.promptLogprobs(request, firstPosition, logprobs, now()));
        }
    }

    private void expire(TrackedRequest request) {
        String message = "the deadline " + request.header().deadline() + " passed; it is " + now()
                + ". Allow more time, or ask for fewer tokens.";
        fail(request, ErrorCode.DEADLINE_EXCEEDED.error(message, "deadline"));
        engine.tryAbort(request.id());
        engine.launchSteps();
    }

    private void refuse(RequestHeader header, String message) {
        output.accept(events.refusal(header, ErrorCode.INVALID_REQUEST.error(message, "request_id"), now()));
    }

    private void fail(TrackedRequest request, EventError error) {
        events.failure(request, error, now()).forEach(output);
        end(request, FinishReason.ERROR);
    }

    private void end(TrackedRequest request, FinishReason reason) {
        tracker.end(request);
        metrics.finished(reason, System.nanoTime() - request.arrivedNanos());
        if (request.choices() != null) {
            preparation.release(request.choices().prepared());
        }
    }

    private void measure(TrackedRequest request, SequenceOutput output) {
        Answer answer = request.choices().answer(output.sequence().choice());
        long nanos = System.nanoTime();
        if (output.firstPosition() == 0 && output.tokens().length > 0) {
            metrics.firstToken(nanos - request.arrivedNanos());
        } else if (answer.lastTokenNanos() != 0) {
            metrics.nextToken(nanos - answer.lastTokenNanos());
        }
        answer.handled(output.logprobs(), timers.now(), nanos);
        if (output.finish() != null) {
            metrics.lengths(answer.sequence().promptLength(), answer.sequence().outputLength());
            if (!answer.wasRestored()) {
                metrics.phases(answer.sequence().timeline());
            }
        }
    }

    /** How far the answers were in the checkpoint, or nothing. */
    private static List<ChoiceSnapshot> before(TrackedRequest request) {
        return request.work() instanceof Prepared prepared ? prepared.choices() : List.of();
    }

    private Instant now() {
        return Instant.ofEpochMilli(timers.now());
    }
}
