package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.Headers;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.UnreadableRecord;
import java.nio.ByteBuffer;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** An unreadable record as it came, with headers that say why and from where. */
final class DeadLetterSerializer implements KafkaRecordSerializationSchema<InboundPrompt> {

    static final String REASON = "reason";
    static final String ERROR_CODE = "error-code";
    static final String SOURCE = "source";

    /** Most bytes that the headers add to a record. */
    static final int OVERHEAD = 16 << 10;

    private static final int MAX_REASON = 1000;

    private final String topic;

    DeadLetterSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(InboundPrompt prompt, KafkaSinkContext context, Long timestamp) {
        UnreadableRecord unreadable = prompt.getUnreadable();
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                topic,
                null,
                prompt.getTimestamp().toEpochMilli(),
                bytes(unreadable.getKey()),
                bytes(unreadable.getValue()));
        String reason = unreadable.getError().getMessage();
        String source = prompt.getTopic() + "/" + prompt.getPartition() + "/" + prompt.getOffset();
        record.headers()
                .add(REASON, Headers.bytes(reason.substring(0, Math.min(MAX_REASON, reason.length()))))
                .add(ERROR_CODE, Headers.bytes(unreadable.getError().getCode()))
                .add(SOURCE, Headers.bytes(source));
        return record;
    }

    private static byte[] bytes(ByteBuffer buffer) {
        if (buffer == null) {
            return null;
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }
}
