package dev.millrace.schemas.avro;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SampleRecords;
import dev.millrace.schemas.TokenEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.specific.SpecificData;
import org.junit.jupiter.api.Test;

class SingleObjectCodecTest {

    private final SingleObjectCodec<PromptRequest> prompts = new SingleObjectCodec<>(PromptRequest.class);
    private final SingleObjectCodec<TokenEvent> tokens = new SingleObjectCodec<>(TokenEvent.class);

    @Test
    void goldenRecordsOfEveryReleaseStillRead() throws IOException {
        assertThat(prompts.decode(golden("PromptRequest-1")))
                .isEqualTo(PromptRequest.newBuilder(SampleRecords.conversation())
                        .setContinueFinalMessage(false)
                        .setChatTemplateKwargs(null)
                        .build());
        assertThat(prompts.decode(golden("PromptRequest-2"))).isEqualTo(SampleRecords.conversation());
        assertThat(tokens.decode(golden("TokenEvent-1"))).isEqualTo(SampleRecords.lastEvent());
        assertThat(prompts.decode(golden("PromptRequest-3"))).isEqualTo(SampleRecords.scoredPrompt());
        assertThat(tokens.decode(golden("TokenEvent-2"))).isEqualTo(SampleRecords.promptEvent());
        assertThat(new SingleObjectCodec<>(EngineStatus.class).decode(golden("EngineStatus-1")))
                .isEqualTo(SampleRecords.status());
    }

    @Test
    void fingerprintsOfReleasedSchemasNeverChange() throws IOException {
        Map<String, String> fingerprints = new TreeMap<>();
        for (String name : new String[] {
            "EngineStatus-1", "PromptRequest-1", "PromptRequest-2", "PromptRequest-3", "TokenEvent-1", "TokenEvent-2"
        }) {
            byte[] golden = golden(name);
            long written =
                    ByteBuffer.wrap(golden).order(ByteOrder.LITTLE_ENDIAN).getLong(2);
            assertThat(written).isEqualTo(SchemaHistory.fingerprint(released(name)));
            fingerprints.put(name, "%016x".formatted(written));
        }
        assertThat(fingerprints)
                .isEqualTo(Map.of(
                        "EngineStatus-1", "72ba0ce6b48aaae1",
                        "PromptRequest-1", "76edb2e0c6b6be14",
                        "PromptRequest-2", "b77c3f26b6a18eda",
                        "PromptRequest-3", "ab4f1fa7253f1f7f",
                        "TokenEvent-1", "8948ea808358fdfa",
                        "TokenEvent-2", "39c789f6b03eb294"));
    }

    @Test
    void currentSchemasAreReleased() throws IOException {
        assertThat(SchemaHistory.fingerprint(released("PromptRequest-3")))
                .as("run GoldenRecords with the next version number")
                .isEqualTo(SchemaHistory.fingerprint(PromptRequest.getClassSchema()));
        assertThat(SchemaHistory.fingerprint(released("TokenEvent-2")))
                .as("run GoldenRecords with the next version number")
                .isEqualTo(SchemaHistory.fingerprint(TokenEvent.getClassSchema()));
    }

    @Test
    void currentStatusIsReleased() throws IOException {
        assertThat(SchemaHistory.fingerprint(released("EngineStatus-1")))
                .as("run GoldenRecords with the next version number")
                .isEqualTo(SchemaHistory.fingerprint(EngineStatus.getClassSchema()));
    }

    @Test
    void avrosOwnDecoderReadsWhatIsWritten() throws IOException {
        BinaryMessageDecoder<TokenEvent> decoder =
                new BinaryMessageDecoder<>(SpecificData.getForClass(TokenEvent.class), TokenEvent.getClassSchema());
        assertThat(decoder.decode(tokens.encode(SampleRecords.lastEvent()))).isEqualTo(SampleRecords.lastEvent());
    }

    @Test
    void recordsOfAnEarlierSchemaAreReadWithDefaults() throws IOException {
        Schema earlier = earlierPrompt();
        GenericRecord record = new GenericData.Record(earlier);
        record.put("request_id", "old");
        record.put("prompt", "hello");
        record.put("retired", 7L);
        record.put(
                "sampling", new GenericData.Record(earlier.getField("sampling").schema()));

        AvroBody<PromptRequest> body = new AvroBody<>(PromptRequest.class);
        SchemaHistory history = SchemaHistory.of(body.schema());
        history.add(earlier);
        PromptRequest read = new SingleObjectCodec<>(body, history).decode(singleObject(earlier, record));

        assertThat(read.getRequestId()).isEqualTo("old");
        assertThat(read.getPrompt()).isEqualTo("hello");
        assertThat(read.getAddGenerationPrompt()).isTrue();
        assertThat(read.getContinueFinalMessage()).isFalse();
        assertThat(read.getChatTemplateKwargs()).isNull();
        assertThat(read.getSampling().getSkipSpecialTokens()).isTrue();
    }

    @Test
    void unknownFingerprintIsNamed() throws IOException {
        byte[] event = tokens.encode(SampleRecords.lastEvent());
        assertMalformed(
                event, "no version of dev.millrace.schemas.PromptRequest", "ab4f1fa7253f1f7f", "39c789f6b03eb294");
    }

    @Test
    void otherHeadersAreShown() {
        assertMalformed("{\"prompt\":1}".getBytes(), "C3 01", "7B 22 70 72");
        assertMalformed(new byte[0], "0 bytes", "nothing");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = prompts.encode(SampleRecords.conversation());
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> prompts.decode(cut)).isInstanceOf(MalformedRecordException.class);
        }
    }

    @Test
    void trailingBytesAreRefused() throws IOException {
        byte[] whole = prompts.encode(SampleRecords.conversation());
        assertMalformed(Arrays.copyOf(whole, whole.length + 3), "3 bytes are left");
    }

    @Test
    void announcedLengthsAllocateNothingBeyondTheValue() throws IOException {
        byte[] header = Arrays.copyOf(prompts.encode(SampleRecords.conversation()), 10);
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        bomb.writeBytes(header);
        EncoderFactory.get().directBinaryEncoder(bomb, null).writeLong(Integer.MAX_VALUE - 16L);
        assertMalformed(bomb.toByteArray(), "2147483631 bytes or items are announced, 0 bytes are left");
    }

    @Test
    void flippedBytesNeverThrowAnythingElse() throws IOException {
        byte[] whole = prompts.encode(SampleRecords.conversation());
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] flipped = whole.clone();
            for (int k = 0; k <= random.nextInt(4); k++) {
                flipped[10 + random.nextInt(whole.length - 10)] = (byte) random.nextInt();
            }
            try {
                assertThat(prompts.decode(flipped)).isNotNull();
            } catch (MalformedRecordException e) {
                assertThat(e.toEventError().getMessage()).contains("PromptRequest");
            }
        }
    }

    @Test
    void largePicturesPass() throws IOException {
        PromptRequest request = SampleRecords.plain("a".repeat(32 << 20));
        assertThat(prompts.decode(prompts.encode(request))).isEqualTo(request);
    }

    private void assertMalformed(byte[] value, String... words) {
        assertThatThrownBy(() -> prompts.decode(value))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContainingAll(words);
    }

    private static Schema earlierPrompt() {
        Schema sampling = SchemaBuilder.record("SamplingOptions")
                .namespace("dev.millrace.schemas")
                .fields()
                .endRecord();
        return SchemaBuilder.record("PromptRequest")
                .namespace("dev.millrace.schemas")
                .fields()
                .requiredString("request_id")
                .requiredString("prompt")
                .requiredLong("retired")
                .name("sampling")
                .type(sampling)
                .noDefault()
                .endRecord();
    }

    private static byte[] singleObject(Schema schema, GenericRecord record) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(10)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0xC3)
                .put((byte) 1)
                .putLong(SchemaHistory.fingerprint(schema))
                .array());
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
        return out.toByteArray();
    }

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = SingleObjectCodecTest.class.getResourceAsStream("/golden/" + name + ".avro")) {
            return in.readAllBytes();
        }
    }

    private static Schema released(String name) throws IOException {
        try (InputStream in = SchemaHistory.class.getResourceAsStream("history/" + name + ".avsc")) {
            return new Schema.Parser().parse(in);
        }
    }
}
