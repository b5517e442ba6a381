package dev.millrace.gateway.http;

import dev.millrace.gateway.Generation;
import dev.millrace.gateway.GenerationListener;
import dev.millrace.gateway.Generations;
import dev.millrace.gateway.TooManyRequestsException;
import dev.millrace.gateway.UnavailableException;
import dev.millrace.gateway.openai.ApiError;
import dev.millrace.gateway.openai.ApiException;
import dev.millrace.gateway.openai.Call;
import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import io.vertx.core.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call from the moment it is understood to its end: sends its prompts, hands events on to whoever writes the response,
 * and cancels what nobody reads any more. Belongs to the event loop, but for {@link #submit}.
 */
final class GenerationCall {

    private static final Logger LOG = LoggerFactory.getLogger(GenerationCall.class);

    private final Context context;
    private final Call call;
    private final ResponseWriter writer;
    private final AnswerMetrics.Watch watch;
    private final Consumer<GenerationCall> over;
    private List<Generation> generations = List.of();
    private int ended;
    private boolean done;

    /** @param over hears once that the call has ended, in whichever way */
    GenerationCall(
            Context context,
            Call call,
            ResponseWriter writer,
            AnswerMetrics.Watch watch,
            Consumer<GenerationCall> over) {
        this.context = context;
        this.call = call;
        this.writer = writer;
        this.watch = watch;
        this.over = over;
    }

    /**
     * Sends the prompts; takes no time on the event loop, as serialising large ones does.
     *
     * @throws ApiException if one was not taken; then none is
     */
    List<Generation> submit(Generations to) throws ApiException {
        requireRoom(to.maxPending());
        List<Generation> sent = new ArrayList<>();
        try {
            for (int i = 0; i < call.requests().size(); i++) {
                sent.add(to.submit(call.requests().get(i), new Listener(i)));
            }
            return sent;
        } catch (TooManyRequestsException | RuntimeException e) {
            sent.forEach(Generation::cancel);
            throw new ApiException(refusal(e));
        }
    }

    /** A call of more prompts than there is ever room for would be told to come back later, for ever. */
    private void requireRoom(int most) throws ApiException {
        int prompts = call.requests().size();
        if (prompts > most) {
            throw new ApiException(ApiError.badRequest(
                    "prompt holds " + prompts + " prompts; at most " + most
                            + " may be outstanding here (--max-pending). Send them in several calls.",
                    "prompt"));
        }
    }

    private static ApiError refusal(Exception e) {
        if (e instanceof TooManyRequestsException) {
            return ApiError.ofStatus(429, "Too Many Requests", e.getMessage());
        }
        if (e instanceof InvalidInputException invalid) {
            return ApiError.badRequest(invalid.getMessage(), invalid.param());
        }
        if (e instanceof IllegalStateException) {
            return ApiError.unavailable("The server is shutting down; try again later.");
        }
        LOG.error("A request could not be sent", e);
        return ApiError.internal("The request could not be sent; the server's log says why.");
    }

    /** The prompts were sent. */
    void sent(List<Generation> generations) {
        this.generations = generations;
        if (done && ended < call.requests().size()) {
            generations.forEach(Generation::cancel);
        }
    }

    /** Ends the call: nobody reads it any more. */
    void abandon() {
        finish();
    }

    /** Ends the call with an error. */
    void fail(ApiError error) {
        if (!done) {
            finish();
            writer.fail(error);
        }
    }

    private void finish() {
        if (!done) {
            done = true;
            if (ended < call.requests().size()) {
                generations.forEach(Generation::cancel);
            }
            over.accept(this);
        }
    }

    private void event(int prompt, TokenEvent event) {
        if (done) {
            return;
        }
        watch.heard(prompt, event);
        if (event.getError() != null) {
            fail(ApiError.of(event.getError()));
        } else {
            writer.event(prompt, event);
        }
    }

    private void end(int prompt, Usage usage) {
        if (done) {
            return;
        }
        watch.ended();
        writer.end(prompt, usage);
        if (++ended == call.requests().size()) {
            finish();
            writer.finish();
        }
    }

    private static ApiError error(Throwable cause) {
        if (cause instanceof InvalidInputException e) {
            return ApiError.ofStatus(413, "Request Entity Too Large", e.getMessage());
        }
        if (cause instanceof TimeoutException) {
            return ApiError.ofStatus(504, "Gateway Timeout", cause.getMessage());
        }
        return cause instanceof UnavailableException
                ? ApiError.unavailable(cause.getMessage())
                : ApiError.internal("The request failed: " + cause);
    }

    /** Hears of one prompt on the transport's thread, and goes on on the event loop. */
    private final class Listener implements GenerationListener {

        private final int prompt;

        Listener(int prompt) {
            this.prompt = prompt;
        }

        @Override
        public void onEvent(TokenEvent event) {
            context.runOnContext(now -> event(prompt, event));
        }

        @Override
        public void onDiverged(int choice, EventError error) {
            context.runOnContext(now -> writer.diverged(prompt, choice, error.getMessage()));
        }

        @Override
        public void onEnd(Usage usage) {
            context.runOnContext(now -> end(prompt, usage));
        }

        @Override
        public void onFailure(Throwable cause) {
            context.runOnContext(now -> fail(error(cause)));
        }
    }
}
