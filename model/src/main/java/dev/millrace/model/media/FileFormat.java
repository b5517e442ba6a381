package dev.millrace.model.media;

import java.nio.charset.StandardCharsets;

/** What a file is by its first bytes; names and media types lie. */
enum FileFormat {
    JPEG("a JPEG picture", true, false),
    PNG("a PNG picture", true, false),
    WEBP("a WebP picture", true, false),
    GIF("a GIF picture", true, false),
    BMP("a BMP picture", true, false),
    MP4("an MP4 video", false, true),
    MATROSKA("a WebM or Matroska video", false, true),
    AVI("an AVI video", false, true),
    EMPTY("nothing (no bytes)", false, false),
    TEXT("text", false, false),
    UNKNOWN("an unknown format", false, false);

    static final String IMAGES = "JPEG, PNG, WebP, GIF and BMP";
    static final String VIDEOS = "MP4, WebM (or Matroska) and AVI";

    private static final int SNIFFED = 256;

    private final String title;
    private final boolean image;
    private final boolean video;

    FileFormat(String title, boolean image, boolean video) {
        this.title = title;
        this.image = image;
        this.video = video;
    }

    boolean isImage() {
        return image;
    }

    boolean isVideo() {
        return video;
    }

    static FileFormat of(byte[] file) {
        if (file.length == 0) {
            return EMPTY;
        }
        String start = new String(file, 0, Math.min(SNIFFED, file.length), StandardCharsets.ISO_8859_1);
        if (start.startsWith("\u00ff\u00d8\u00ff")) {
            return JPEG;
        } else if (start.startsWith("\u0089PNG\r\n\u001a\n")) {
            return PNG;
        } else if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) {
            return GIF;
        } else if (start.startsWith("RIFF")) {
            return start.startsWith("WEBP", 8) ? WEBP : start.startsWith("AVI ", 8) ? AVI : UNKNOWN;
        } else if (start.startsWith("ftyp", 4)) {
            return MP4;
        } else if (start.startsWith("\u001a\u0045\u00df\u00a3")) {
            return MATROSKA;
        } else if (start.startsWith("BM") && !isText(start)) {
            return BMP;
        }
        return isText(start) ? TEXT : UNKNOWN;
    }

    /** What was found, for an error: the format, and the first characters of a text or the first bytes of the unknown. */
    static String describe(byte[] file) {
        FileFormat format = of(file);
        int shown = Math.min(24, file.length);
        if (format == TEXT) {
            String start = new String(file, 0, shown, StandardCharsets.ISO_8859_1);
            return "text (\"" + start.replaceAll("\\s+", " ") + (file.length > shown ? "…" : "") + "\")";
        } else if (format == UNKNOWN) {
            var hex = new StringBuilder("an unknown format (first bytes");
            for (int i = 0; i < Math.min(8, shown); i++) {
                hex.append(String.format(" %02x", file[i]));
            }
            return hex.append(')').toString();
        }
        return format.title;
    }

    private static boolean isText(String start) {
        return start.chars().allMatch(c -> c == '\t' || c == '\n' || c == '\r' || c == '\f' || c >= 0x20 && c != 0x7f);
    }
}
