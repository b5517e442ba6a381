package dev.millrace.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The printable characters in which a byte-level vocabulary writes bytes (GPT-2 {@code encoder.py},
 * {@code bytes_to_unicode}): printable Latin-1 stands for itself, the other bytes for the characters from U+0100 on.
 */
final class ByteAlphabet {

    private static final short[] BYTE_OF = new short[0x144];
    private static final char[] CHARACTER_OF = new char[256];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        int next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad;
            CHARACTER_OF[b] = (char) (printable ? b : next++);
            BYTE_OF[CHARACTER_OF[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** The bytes of a token; a token with a character outside the alphabet is its own UTF-8, as in tokenizers' decoder. */
    static byte[] bytes(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTE_OF[c];
        }
        return bytes;
    }

    /** The token of these bytes. */
    static String text(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            text.append(CHARACTER_OF[b & 0xff]);
        }
        return text.toString();
    }
}
