package dev.millrace.model.media;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** 128 bits of a cryptographic hash that stand for one media item. */
public record MediaKey(long high, long low) {

    /** Collects what tells one item from another; not thread-safe. */
    static final class Hasher {
        private final MessageDigest digest = sha256();

        Hasher add(byte[] bytes) {
            digest.update(bytes);
            return this;
        }

        Hasher add(int... values) {
            ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES * values.length);
            buffer.asIntBuffer().put(values);
            digest.update(buffer);
            return this;
        }

        Hasher add(double value) {
            digest.update(ByteBuffer.allocate(Double.BYTES).putDouble(0, value));
            return this;
        }

        MediaKey key() {
            ByteBuffer hash = ByteBuffer.wrap(digest.digest());
            return new MediaKey(hash.getLong(), hash.getLong());
        }

        private static MessageDigest sha256() {
            try {
                return MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }
    }
}
