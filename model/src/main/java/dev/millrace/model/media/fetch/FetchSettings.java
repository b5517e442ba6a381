package dev.millrace.model.media.fetch;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;

/**
 * From where media may be fetched.
 *
 * @param allowedLocalMediaPath folder under which {@code file:} URLs may point; null: none may
 * @param allowedMediaDomains hosts from which media may be fetched, wherever they are; empty: all that are public
 * @param allowPrivateAddresses whether hosts that are not listed may be on loopback or private networks
 * @param imageTimeout longest fetch of a picture, redirects included
 * @param videoTimeout longest fetch of a video
 * @param promptTimeout longest fetch of all media of a prompt together
 * @param maxRedirects most redirects that are followed
 */
public record FetchSettings(
        Path allowedLocalMediaPath,
        Set<String> allowedMediaDomains,
        boolean allowPrivateAddresses,
        Duration imageTimeout,
        Duration videoTimeout,
        Duration promptTimeout,
        int maxRedirects) {

    /** No local files, public hosts only, vLLM's timeouts (5 s a picture, 30 s a video), a minute for all of a prompt. */
    public static final FetchSettings DEFAULT = new FetchSettings(
            null, Set.of(), false, Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofSeconds(60), 5);

    Duration timeout(boolean video) {
        return video ? videoTimeout : imageTimeout;
    }
}
