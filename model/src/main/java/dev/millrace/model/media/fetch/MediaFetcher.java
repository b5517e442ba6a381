package dev.millrace.model.media.fetch;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.EncodedMedia.Kind;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaSource;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;

/**
 * Brings media here: from the request itself, a {@code data:} URL, a local file or a web server. What it brings is as
 * the user gave it, neither looked at nor decoded. Safe for use by several threads.
 */
public final class MediaFetcher {

    private final FetchSettings settings;
    private final MediaLimits limits;
    private final LocalFiles files;
    private final WebFetcher web;

    public MediaFetcher(FetchSettings settings, MediaLimits limits) {
        this.settings = settings;
        this.limits = limits;
        this.files = new LocalFiles(settings.allowedLocalMediaPath());
        this.web = new WebFetcher(settings, InetAddress::getAllByName);
    }

    /**
     * Begins with the media of a prompt, whose time runs from now on.
     *
     * @param maxBytes most bytes of all of them together
     */
    public PromptFetch begin(long maxBytes) {
        return new PromptFetch(System.nanoTime() + settings.promptTimeout().toNanos(), maxBytes);
    }

    /** The media of one prompt; not for several threads. */
    public final class PromptFetch {

        private final long deadline;
        private final long maxBytes;
        private long bytes;

        private PromptFetch(long deadline, long maxBytes) {
            this.deadline = deadline;
            this.maxBytes = maxBytes;
        }

        /**
         * @throws InvalidInputException if it cannot be had, may not be had, or is too large
         * @throws java.util.concurrent.CancellationException if the thread was interrupted; its flag is set again
         */
        public EncodedMedia fetch(MediaSource source) {
            EncodedMedia media = source.url() == null ? given(source) : load(source, deadline);
            if (media.bytes() > limits.bytes(source.video())) {
                throw tooLarge(source.video(), media.bytes());
            }
            bytes += media.bytes();
            if (bytes > maxBytes) {
                throw new InvalidInputException(
                        "the prompt's pictures and videos have " + bytes + " bytes up to here, more than the "
                                + maxBytes + " allowed together",
                        null);
            }
            return media;
        }
    }

    private static EncodedMedia given(MediaSource source) {
        Kind kind = !source.video() ? Kind.IMAGE : source.framesGiven() ? Kind.FRAMES : Kind.VIDEO;
        if (source.files().isEmpty()) {
            throw new InvalidInputException("a picture or video has neither a URL nor bytes; give one", null);
        }
        return new EncodedMedia(kind, source.files(), source.options());
    }

    private EncodedMedia load(MediaSource source, long deadline) {
        String url = source.url();
        String scheme = url.substring(0, Math.max(0, url.indexOf(':'))).toLowerCase(Locale.ROOT);
        long most = limits.bytes(source.video());
        return switch (scheme) {
            case "data" -> {
                long atLeast = (url.length() - url.indexOf(',') - 4L) / 4 * 3;
                if (atLeast > most) {
                    throw tooLarge(source.video(), atLeast);
                }
                var data = DataUrl.parse(url);
                Kind kind = !source.video() ? Kind.IMAGE : data.listsFrames() ? Kind.FRAMES : Kind.VIDEO;
                yield new EncodedMedia(kind, data.files(), source.options());
            }
            case "file" -> single(source, files.read(url, most));
            case "http", "https" -> single(source, web.fetch(url, source.video(), most, deadline));
            default -> throw new InvalidInputException(
                    "The URL must be either a HTTP, data or file URL, got " + Urls.shown(url), null);
        };
    }

    private static EncodedMedia single(MediaSource source, byte[] file) {
        return new EncodedMedia(source.video() ? Kind.VIDEO : Kind.IMAGE, List.of(file), source.options());
    }

    private InvalidInputException tooLarge(boolean video, long bytes) {
        return new InvalidInputException(
                (video ? "a video of " : "a picture of ") + bytes + " bytes is larger than the " + limits.bytes(video)
                        + " allowed",
                null);
    }
}
