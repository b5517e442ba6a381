package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import dev.millrace.gateway.openai.StreamedAnswer;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import io.vertx.core.http.HttpServerRequest;

/** A response in server-sent events; an error after the first of them is an event, too, as in vLLM. */
final class StreamedResponse implements ResponseWriter {

    private final HttpServerRequest request;
    private final StreamedAnswer answer;
    private final EventStream stream;
    private boolean begun;

    StreamedResponse(HttpServerRequest request, StreamedAnswer answer, EventStream stream) {
        this.request = request;
        this.answer = answer;
        this.stream = stream;
    }

    @Override
    public void event(int prompt, TokenEvent event) {
        begin();
        answer.accept(prompt, event).forEach(stream::data);
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
        begin();
        answer.finish().forEach(stream::data);
        stream.end();
    }

    @Override
    public void fail(ApiError error) {
        if (begun) {
            stream.data(error.toJson().toString());
            stream.end();
        } else {
            Replies.error(request, error);
        }
    }

    private void begin() {
        if (!begun) {
            begun = true;
            stream.begin();
        }
    }
}
