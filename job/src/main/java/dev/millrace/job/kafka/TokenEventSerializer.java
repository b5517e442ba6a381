package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.Headers;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** A record a token event: key is the request's id, so that an answer stays in one partition and in order. */
final class TokenEventSerializer implements KafkaRecordSerializationSchema<TokenEvent> {

    private final RecordFormat format;
    private final String topic;
    private transient RecordCodec<TokenEvent> codec;
    private transient byte[] contentType;

    TokenEventSerializer(RecordFormat format, String topic) {
        this.format = format;
        this.topic = topic;
    }

    @Override
    public void open(SerializationSchema.InitializationContext context, KafkaSinkContext sinkContext) {
        codec = format.tokens(topic);
        contentType = Headers.bytes(format.contentType());
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(TokenEvent event, KafkaSinkContext context, Long timestamp) {
        byte[] requestId = Headers.bytes(event.getRequestId());
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, null, null, requestId, value(event));
        record.headers().add(Headers.REQUEST_ID, requestId).add(Headers.CONTENT_TYPE, contentType);
        if (event.getReplyTo() != null) {
            record.headers().add(Headers.REPLY_TO, Headers.bytes(event.getReplyTo()));
        }
        return record;
    }

    private byte[] value(TokenEvent event) {
        try {
            return codec.encode(event);
        } catch (IOException e) {
            throw new UncheckedIOException("a token event of " + event.getRequestId() + " cannot be written", e);
        }
    }
}
