package dev.millrace.job.kafka;

import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.avro.SingleObjectCodec;
import dev.millrace.schemas.json.PromptJson;
import dev.millrace.schemas.json.TokenEventJson;
import java.io.Serializable;
import org.apache.avro.specific.SpecificRecordBase;

/**
 * The form of the records' values.
 *
 * @param encoding Avro or JSON
 * @param registry registry that Avro records refer to (Confluent wire format); null: single-object encoding
 */
public record RecordFormat(Encoding encoding, SchemaRegistry registry) implements Serializable {

    /** How a value is encoded. */
    public enum Encoding {
        AVRO,
        JSON
    }

    /** Avro's single-object encoding. */
    public static final RecordFormat AVRO = new RecordFormat(Encoding.AVRO, null);

    /** A prompt is a chat-completions body, a token event its fields. */
    public static final RecordFormat JSON = new RecordFormat(Encoding.JSON, null);

    public RecordFormat {
        if (encoding == Encoding.JSON && registry != null) {
            throw new IllegalArgumentException("a schema registry goes with Avro records only, got "
                    + registry.resolve("") + " and the format json");
        }
    }

    /** A codec for the values of prompts in {@code topic}. */
    public RecordCodec<PromptRequest> prompts(String topic) {
        return encoding == Encoding.JSON ? new PromptJson(new UnknownFieldLog()) : avro(PromptRequest.class, topic);
    }

    /** A codec for the values of token events in {@code topic}. */
    public RecordCodec<TokenEvent> tokens(String topic) {
        return encoding == Encoding.JSON ? new TokenEventJson() : avro(TokenEvent.class, topic);
    }

    /** What the header {@code content-type} of a record says. */
    public String contentType() {
        return encoding == Encoding.JSON ? "application/json" : "avro/binary";
    }

    private <T extends SpecificRecordBase> RecordCodec<T> avro(Class<T> type, String topic) {
        if (registry == null) {
            return new SingleObjectCodec<>(type);
        }
        return new RegistryCodec<>(type, new RegistrySchemaCoder(registry, topic + "-value"));
    }
}
