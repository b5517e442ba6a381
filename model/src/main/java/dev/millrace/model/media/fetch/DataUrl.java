package dev.millrace.model.media.fetch;

import dev.millrace.model.InvalidInputException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;

/**
 * A {@code data:} URL (RFC 2397) in base64. {@code data:video/jpeg;base64,f1,f2,…} lists a video's frames, as vLLM reads
 * it; other media types are not looked at, the content tells.
 *
 * @param listsFrames whether {@code files} are a video's frames
 * @param files what it holds
 */
record DataUrl(boolean listsFrames, List<byte[]> files) {

    static DataUrl parse(String url) {
        int comma = url.indexOf(',');
        String header = comma < 0 ? "" : url.substring("data:".length(), comma).toLowerCase(Locale.ROOT);
        if (!header.endsWith(";base64")) {
            throw new InvalidInputException(
                    "Only base64 data URLs are supported (data:image/png;base64,…), got " + Urls.shown(url), null);
        }
        String data = url.substring(comma + 1);
        if (!header.startsWith("video/jpeg")) {
            return new DataUrl(false, List.of(decode(data)));
        }
        List<byte[]> frames = new ArrayList<>();
        for (String frame : data.split(",")) {
            frames.add(decode(frame));
        }
        return new DataUrl(true, frames);
    }

    private static byte[] decode(String base64) {
        try {
            return Base64.getDecoder().decode(base64.strip());
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException("a data URL's base64 is not valid: " + e.getMessage(), null, e);
        }
    }
}
