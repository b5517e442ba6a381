package dev.millrace.job.kafka;

import dev.millrace.schemas.InboundPrompt;
import java.io.IOException;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** One prompt a record, readable or not. */
final class PromptDeserializer implements KafkaRecordDeserializationSchema<InboundPrompt> {

    private final RecordFormat format;
    private final String topic;
    private transient InboundReader reader;

    PromptDeserializer(RecordFormat format, String topic) {
        this.format = format;
        this.topic = topic;
    }

    @Override
    public void open(DeserializationSchema.InitializationContext context) {
        reader = new InboundReader(format.prompts(topic));
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<InboundPrompt> out) throws IOException {
        out.collect(reader.read(record));
    }

    @Override
    public TypeInformation<InboundPrompt> getProducedType() {
        return new AvroTypeInfo<>(InboundPrompt.class);
    }
}
