package dev.millrace.model.executor;

import java.util.concurrent.CompletableFuture;

/** Hears how an encoding went, on a thread of the executor; must return quickly. */
public interface EncodingListener {

    /** Steps launched from now on may read the rows. */
    void encoded(long encoding);

    void encodingFailed(long encoding, Throwable cause);

    /** One that completes the result with the encoding's number, or with why it failed. */
    static EncodingListener completing(CompletableFuture<Long> result) {
        return new EncodingListener() {
            @Override
            public void encoded(long encoding) {
                result.complete(encoding);
            }

            @Override
            public void encodingFailed(long encoding, Throwable cause) {
                result.completeExceptionally(cause);
            }
        };
    }
}
