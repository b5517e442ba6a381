package dev.millrace.operators.kvcache;

/**
 * SipHash-2-4 with 128 bits of output over a message of whole words: without the key nobody finds two messages of one
 * hash but by chance (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the reference's
 * {@code siphash.c}). Allocates nothing.
 */
final class SipHash128 {

    private final long key0;
    private final long key1;
    private long v0;
    private long v1;
    private long v2;
    private long v3;
    private int words;

    SipHash128(long key0, long key1) {
        this.key0 = key0;
        this.key1 = key1;
    }

    /** Begins a message. */
    void begin() {
        v0 = key0 ^ 0x736f6d6570736575L;
        v1 = key1 ^ 0x646f72616e646f6dL ^ 0xee;
        v2 = key0 ^ 0x6c7967656e657261L;
        v3 = key1 ^ 0x7465646279746573L;
        words = 0;
    }

    /** Adds eight bytes, little-endian. */
    void add(long word) {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
        words++;
    }

    /** Ends the message; what there is of the hash so far is its first half. */
    long finish() {
        long length = (long) words * Long.BYTES << 56;
        v3 ^= length;
        rounds(2);
        v0 ^= length;
        v2 ^= 0xee;
        rounds(4);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    /** The hash's second half, after {@link #finish}. */
    long secondHalf() {
        v1 ^= 0xdd;
        rounds(4);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private void rounds(int count) {
        long a = v0;
        long b = v1;
        long c = v2;
        long d = v3;
        for (int i = 0; i < count; i++) {
            a += b;
            b = Long.rotateLeft(b, 13) ^ a;
            a = Long.rotateLeft(a, 32);
            c += d;
            d = Long.rotateLeft(d, 16) ^ c;
            a += d;
            d = Long.rotateLeft(d, 21) ^ a;
            c += b;
            b = Long.rotateLeft(b, 17) ^ c;
            c = Long.rotateLeft(c, 32);
        }
        v0 = a;
        v1 = b;
        v2 = c;
        v3 = d;
    }
}
