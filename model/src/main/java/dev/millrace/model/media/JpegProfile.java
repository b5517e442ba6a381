package dev.millrace.model.media;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A JPEG's colour profile, which the reference ignores and Java's reader would apply: it is taken out of the file. See
 * ICC.1:2010, annex B.4, and ITU-T T.81, annex B.
 */
final class JpegProfile {

    private static final int START_OF_SCAN = 0xda;
    private static final int APP2 = 0xe2;
    private static final byte[] TAG = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);

    private JpegProfile() {}

    /** The file without its profile; the same array where it has none. */
    static byte[] remove(byte[] file) {
        var kept = new ByteArrayOutputStream(file.length);
        int from = 0;
        int at = 2;
        while (at + 4 <= file.length && (file[at] & 0xff) == 0xff && (file[at + 1] & 0xff) != START_OF_SCAN) {
            int end = at + 2 + ((file[at + 2] & 0xff) << 8 | file[at + 3] & 0xff);
            if ((file[at + 1] & 0xff) == APP2 && end <= file.length && isProfile(file, at + 4)) {
                kept.write(file, from, at - from);
                from = end;
            }
            at = end;
        }
        if (from == 0) {
            return file;
        }
        kept.write(file, from, file.length - from);
        return kept.toByteArray();
    }

    private static boolean isProfile(byte[] file, int at) {
        int end = at + TAG.length;
        return end <= file.length && Arrays.equals(file, at, end, TAG, 0, TAG.length);
    }
}
