package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.List;

/** A range of characters as sequences of ranges of bytes, none overlong (as in Cox, "Regular expression matching in the wild"). */
final class Utf8Ranges {

    private static final int[] LAST_OF_LENGTH = {0x7f, 0x7ff, 0xffff, 0x10ffff};
    private static final int CONTINUATION_BITS = 6;

    private Utf8Ranges() {}

    /** Each element: low and high of the first byte, of the second, and so on. */
    static List<int[]> of(CodePoints set) {
        List<int[]> sequences = new ArrayList<>();
        for (CodePoints.Range range : set.ranges()) {
            int from = range.low();
            for (int last : LAST_OF_LENGTH) {
                if (from <= Math.min(last, range.high())) {
                    split(from, Math.min(last, range.high()), sequences);
                    from = last + 1;
                }
            }
        }
        return sequences;
    }

    /** Cuts a range of characters of one length where not every byte but the first differing one runs over all values. */
    private static void split(int low, int high, List<int[]> sequences) {
        int length = length(low);
        for (int i = 1; i < length; i++) {
            int mask = (1 << CONTINUATION_BITS * i) - 1;
            if ((low & ~mask) != (high & ~mask)) {
                if ((low & mask) != 0) {
                    split(low, low | mask, sequences);
                    split((low | mask) + 1, high, sequences);
                    return;
                }
                if ((high & mask) != mask) {
                    split(low, (high & ~mask) - 1, sequences);
                    split(high & ~mask, high, sequences);
                    return;
                }
            }
        }
        int[] sequence = new int[2 * length];
        for (int i = 0; i < length; i++) {
            sequence[2 * i] = byteAt(low, i, length);
            sequence[2 * i + 1] = byteAt(high, i, length);
        }
        sequences.add(sequence);
    }

    private static int length(int codePoint) {
        int length = 1;
        while (codePoint > LAST_OF_LENGTH[length - 1]) {
            length++;
        }
        return length;
    }

    private static int byteAt(int codePoint, int index, int length) {
        int bits = codePoint >>> CONTINUATION_BITS * (length - 1 - index);
        if (index > 0) {
            return 0x80 | bits & 0x3f;
        }
        return length == 1 ? bits : 0xf00 >>> length & 0xff | bits;
    }
}
