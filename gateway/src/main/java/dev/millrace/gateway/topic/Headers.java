package dev.millrace.gateway.topic;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.header.Header;

/** Names of record headers, and their values as text. */
public final class Headers {

    public static final String REQUEST_ID = "request-id";
    public static final String REPLY_TO = "reply-to";
    public static final String CONTENT_TYPE = "content-type";

    private Headers() {}

    /** The headers whose values are text. */
    public static Map<String, String> read(org.apache.kafka.common.header.Headers headers) {
        Map<String, String> texts = new HashMap<>();
        for (Header header : headers) {
            text(header.value()).ifPresent(text -> texts.put(header.key(), text));
        }
        return texts;
    }

    /** The value of the last header of that name, if it is text. */
    public static Optional<String> text(org.apache.kafka.common.header.Headers headers, String name) {
        return Optional.ofNullable(headers.lastHeader(name)).flatMap(header -> text(header.value()));
    }

    /** Bytes as text, if that is what they are. */
    public static Optional<String> text(byte[] bytes) {
        if (bytes == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
