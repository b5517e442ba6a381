package dev.millrace.model.tokenizer;

/**
 * Turns bytes that come in any portions into text. Bytes that no character can begin or go on with become U+FFFD, one for
 * each maximal part of a character, as Unicode recommends and Rust's {@code from_utf8_lossy} does; at most three bytes
 * wait for the rest of their character.
 */
final class LossyUtf8 {

    private static final char REPLACEMENT = '\uFFFD';

    private int codePoint; // of the character begun
    private int missing; // bytes until it is complete
    private int lowest; // what its next byte may be
    private int highest;

    void append(byte[] bytes, StringBuilder to) {
        for (byte b : bytes) {
            append(b & 0xff, to);
        }
    }

    /** Gives up on a character that was begun. */
    void finish(StringBuilder to) {
        if (missing > 0) {
            missing = 0;
            to.append(REPLACEMENT);
        }
    }

    private void append(int b, StringBuilder to) {
        if (missing > 0 && b >= lowest && b <= highest) {
            codePoint = codePoint << 6 | b & 0x3f;
            expect(missing - 1, 0x80, 0xbf);
            if (missing == 0) {
                to.appendCodePoint(codePoint);
            }
        } else {
            finish(to);
            begin(b, to);
        }
    }

    /** Unicode, table 3-7: which byte may follow which. */
    private void begin(int b, StringBuilder to) {
        if (b < 0x80) {
            to.append((char) b);
        } else if (b >= 0xc2 && b <= 0xdf) {
            codePoint = b & 0x1f;
            expect(1, 0x80, 0xbf);
        } else if (b >= 0xe0 && b <= 0xef) {
            codePoint = b & 0x0f;
            expect(2, b == 0xe0 ? 0xa0 : 0x80, b == 0xed ? 0x9f : 0xbf);
        } else if (b >= 0xf0 && b <= 0xf4) {
            codePoint = b & 0x07;
            expect(3, b == 0xf0 ? 0x90 : 0x80, b == 0xf4 ? 0x8f : 0xbf);
        } else {
            to.append(REPLACEMENT);
        }
    }

    private void expect(int bytes, int lowest, int highest) {
        this.missing = bytes;
        this.lowest = lowest;
        this.highest = highest;
    }
}
