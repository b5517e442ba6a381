package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.ControlTopic;
import dev.millrace.gateway.topic.Headers;
import dev.millrace.operators.Cancel;
import dev.millrace.operators.Cancel.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes cancels of the control topic's records. */
final class CancelReader {

    private static final Logger LOG = LoggerFactory.getLogger(CancelReader.class);

    /** How long a request without a deadline may be on its way. */
    private static final Duration USUAL = Duration.ofDays(1);

    private CancelReader() {}

    /** The cancel that a record holds; nothing, said in the log, if it holds none. */
    static Optional<Cancel> read(ConsumerRecord<byte[], byte[]> record) {
        Optional<String> key = Headers.text(record.key());
        Optional<String> replyTo = Headers.text(record.headers(), Headers.REPLY_TO);
        if (Headers.text(record.value()).filter(ControlTopic.CANCEL::equals).isEmpty() || key.isEmpty()) {
            LOG.warn(
                    "record {}/{}/{} is passed over; one that cancels has the value {} and the request's id as its key",
                    record.topic(),
                    record.partition(),
                    record.offset(),
                    ControlTopic.CANCEL);
            return Optional.empty();
        }
        Target target = replyTo.isPresent() ? Target.READER : Target.REQUEST;
        Instant at = Instant.ofEpochMilli(record.timestamp());
        Instant expiresAt = deadline(record).orElse(at.plus(USUAL));
        return Optional.of(new Cancel(target, replyTo.orElse(key.get()), at, expiresAt));
    }

    private static Optional<Instant> deadline(ConsumerRecord<byte[], byte[]> record) {
        return Headers.text(record.headers(), ControlTopic.DEADLINE)
                .filter(text -> text.matches("\\d{1,15}"))
                .map(text -> Instant.ofEpochMilli(Long.parseLong(text)));
    }
}
