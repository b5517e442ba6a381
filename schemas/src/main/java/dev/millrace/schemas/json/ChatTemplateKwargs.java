package dev.millrace.schemas.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.MalformedRecordException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What a chat template reads beside the messages: an object in JSON bodies, its text in Avro records. */
public final class ChatTemplateKwargs {

    private static final String FIELD = "chat_template_kwargs";
    private static final int MAX_LENGTH = 1 << 16;
    private static final ObjectWriter WRITER =
            Json.MAPPER.writer().without(JsonWriteFeature.WRITE_NAN_AS_STRINGS.mappedFeature());

    private ChatTemplateKwargs() {}

    /**
     * The values by name: texts, numbers, truth values, nulls, lists and maps.
     *
     * @param text the record's, or null
     * @throws MalformedRecordException if it is no JSON object, or too long
     */
    public static Map<String, Object> parse(String text) throws MalformedRecordException {
        return text == null ? Map.of() : Json.MAPPER.convertValue(object(text), new TypeReference<>() {});
    }

    static ObjectNode object(String text) throws MalformedRecordException {
        checkLength(text);
        try {
            return Json.readObject(text.getBytes(StandardCharsets.UTF_8));
        } catch (MalformedRecordException e) {
            throw new MalformedRecordException(FIELD + ": " + e.getMessage(), FIELD);
        }
    }

    /** The field's text, or null where there is none. */
    static String read(JsonFields body) throws MalformedRecordException {
        JsonFields kwargs = body.fields(FIELD);
        if (kwargs == null) {
            return null;
        }
        try {
            String text = WRITER.writeValueAsString(kwargs.object());
            checkLength(text);
            return JsonFields.wholeCharacters(text, FIELD);
        } catch (JsonProcessingException e) {
            throw new MalformedRecordException(FIELD + " cannot be written: " + e.getOriginalMessage(), FIELD);
        }
    }

    private static void checkLength(String text) throws MalformedRecordException {
        if (text.length() > MAX_LENGTH) {
            throw new MalformedRecordException(
                    FIELD + " must have at most " + MAX_LENGTH + " characters, got " + text.length(), FIELD);
        }
    }
}
