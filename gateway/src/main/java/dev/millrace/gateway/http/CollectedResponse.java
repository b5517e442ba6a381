package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import dev.millrace.gateway.openai.CollectedAnswer;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import io.vertx.core.http.HttpServerRequest;

/** A response that is sent when all of it is there. */
final class CollectedResponse implements ResponseWriter {

    private final HttpServerRequest request;
    private final CollectedAnswer answer;

    CollectedResponse(HttpServerRequest request, CollectedAnswer answer) {
        this.request = request;
        this.answer = answer;
    }

    @Override
    public void event(int prompt, TokenEvent event) {
        answer.accept(prompt, event);
    }

    @Override
    public void diverged(int prompt, int choice, String message) {
        answer.diverged(prompt, choice, message);
    }

    @Override
    public void end(int prompt, Usage usage) {
        answer.end(usage);
    }

    @Override
    public void finish() {
        Replies.json(request, 200, answer.finish());
    }

    @Override
    public void fail(ApiError error) {
        Replies.error(request, error);
    }
}
