package dev.millrace.model.media;

import dev.millrace.model.InvalidInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Whether a file is as long as its container says. Decoders show what they can of a file that was cut off; a model would
 * answer about half a picture.
 */
final class Completeness {

    private static final int SEGMENT = 0x18538067;
    private static final int TOP_LEVEL = 64; // boxes or elements looked at: files have a handful

    private Completeness() {}

    /**
     * @throws InvalidInputException if the container promises more bytes than there are
     */
    static void check(FileFormat format, byte[] file) {
        switch (format) {
            case WEBP -> webp(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN));
            case MP4 -> mp4(ByteBuffer.wrap(file));
            case MATROSKA -> matroska(ByteBuffer.wrap(file));
            default -> {} // the decoder tells
        }
    }

    private static void webp(ByteBuffer file) {
        promised("RIFF chunk", 8 + Integer.toUnsignedLong(file.getInt(4)), file.capacity());
    }

    private static void mp4(ByteBuffer file) {
        long at = 0;
        for (int n = 0; n < TOP_LEVEL && at + 16 <= file.capacity(); n++) {
            int start = (int) at;
            long size = Integer.toUnsignedLong(file.getInt(start));
            String type = new String(file.array(), start + 4, 4, StandardCharsets.ISO_8859_1);
            if (size == 0) {
                return; // to the end of the file
            }
            size = size == 1 ? file.getLong(start + 8) : size;
            if (size < 8) {
                return;
            }
            promised(type + " box", at + size, file.capacity());
            at += size;
        }
    }

    private static void matroska(ByteBuffer file) {
        for (int n = 0, at = 0; n < TOP_LEVEL && at + 12 <= file.capacity(); n++) {
            int id = file.getInt(at);
            int length = Integer.numberOfLeadingZeros(file.get(at + 4) & 0xff) - 24 + 1;
            if (length > 8) {
                return;
            }
            long value = file.getLong(at + 4) >>> 64 - 8 * length;
            long size = value & (1L << 7 * length) - 1;
            if (size == (1L << 7 * length) - 1) {
                return; // unknown, as a live stream has it
            }
            promised(id == SEGMENT ? "segment" : "header", at + 4L + length + size, file.capacity());
            at += (int) (4 + length + size);
        }
    }

    private static void promised(String what, long end, long actual) {
        if (end < 0 || end > actual) {
            throw new InvalidInputException(
                    "the file is cut off: its " + what + " ends at byte " + Long.toUnsignedString(end)
                            + ", and there are " + actual,
                    null);
        }
    }
}
