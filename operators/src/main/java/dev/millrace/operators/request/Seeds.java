package dev.millrace.operators.request;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The noise key of requests that bring none: the same for the same request id wherever and whenever it is worked on. */
final class Seeds {

    private Seeds() {}

    /**
     * The first eight bytes, big-endian, of the id's SHA-256, with the base's bits flipped.
     *
     * @param base what the operator was told to mix in; 0 changes nothing
     */
    static long of(long base, String requestId) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(requestId.getBytes(StandardCharsets.UTF_8));
            return base ^ ByteBuffer.wrap(hash).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
