package dev.millrace.model.media.fetch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;

/** Collects a response's body, and hangs up as soon as it is announced or found to be too large. */
final class BoundedBody implements BodySubscriber<byte[]> {

    private final long maxBytes;
    private final long announced;
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private Subscription subscription;

    BoundedBody(ResponseInfo response, long maxBytes) {
        this.maxBytes = maxBytes;
        this.announced = response.headers().firstValueAsLong("Content-Length").orElse(0);
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Subscription given) {
        subscription = given;
        if (announced > maxBytes) {
            refuse("it has " + announced + " bytes, more");
        } else {
            subscription.request(Long.MAX_VALUE);
        }
    }

    @Override
    public void onNext(List<ByteBuffer> items) {
        for (ByteBuffer item : items) {
            if (bytes.size() + (long) item.remaining() > maxBytes) {
                refuse("it has more bytes");
                return;
            }
            byte[] copy = new byte[item.remaining()];
            item.get(copy);
            bytes.writeBytes(copy);
        }
    }

    private void refuse(String found) {
        subscription.cancel();
        body.completeExceptionally(new IOException(found + " than the " + maxBytes + " allowed"));
    }

    @Override
    public void onError(Throwable error) {
        body.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
        body.complete(bytes.toByteArray());
    }
}
