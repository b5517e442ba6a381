package dev.millrace.model.media.fetch;

import dev.millrace.model.InvalidInputException;
import java.net.URI;
import java.net.URISyntaxException;

/** URLs as users write them. */
final class Urls {

    private static final int SHOWN = 200;

    private Urls() {}

    static URI parse(String url) {
        try {
            return new URI(url);
        } catch (URISyntaxException e) {
            throw new InvalidInputException("not a URL: " + e.getReason() + " in " + shown(url), null, e);
        }
    }

    /** The URL for an error, cut where it is long. */
    static String shown(String url) {
        return url.length() <= SHOWN ? url : url.substring(0, SHOWN) + "…";
    }
}
