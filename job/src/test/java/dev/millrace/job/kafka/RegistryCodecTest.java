package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CertPathBuilderException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryCodecTest {

    private TestRegistry registry;
    private RecordCodec<PromptRequest> codec;

    @BeforeEach
    void start() throws IOException {
        registry = new TestRegistry();
        codec = codec(SchemaRegistry.of(registry.url()));
    }

    private static RecordCodec<PromptRequest> codec(SchemaRegistry registry) {
        return new RecordFormat(RecordFormat.Encoding.AVRO, registry).prompts("prompts");
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    @Test
    void schemaIsRegisteredOnceUnderTheTopicAndReadOnce() throws IOException {
        byte[] value = codec.encode(request());
        codec.encode(request());
        assertThat(ByteBuffer.wrap(value).get()).isZero();
        assertThat(ByteBuffer.wrap(value).getInt(1)).isEqualTo(1);
        assertThat(codec.decode(value)).isEqualTo(request());
        assertThat(codec.decode(value)).isEqualTo(request());
        assertThat(registry.requests()).containsExactly("POST /subjects/prompts-value/versions", "GET /schemas/ids/1");
        String user = Base64.getEncoder().encodeToString("user:secret".getBytes(StandardCharsets.UTF_8));
        assertThat(registry.authorizations()).containsOnly("Basic " + user);
    }

    @Test
    void recordsOfAnotherVersionAreReadWithDefaults() throws IOException {
        Schema sampling = SchemaBuilder.record("SamplingOptions")
                .namespace("dev.millrace.schemas")
                .fields()
                .optionalInt("max_tokens")
                .endRecord();
        Schema other = SchemaBuilder.record("PromptRequest")
                .namespace("dev.millrace.schemas")
                .fields()
                .requiredString("request_id")
                .requiredString("prompt")
                .name("sampling")
                .type(sampling)
                .noDefault()
                .endRecord();
        GenericRecord record = new GenericData.Record(other);
        record.put("request_id", "r");
        record.put("prompt", "hello");
        record.put("sampling", new GenericData.Record(sampling));
        PromptRequest read = codec.decode(written(other, record));
        assertThat(read.getPrompt()).isEqualTo("hello");
        assertThat(read.getSampling().getSkipSpecialTokens()).isTrue();
    }

    @Test
    void recordsOfAnotherTypeAreRefused() throws IOException {
        int number = registry.add(TokenEvent.getClassSchema().toString());
        byte[] value = ByteBuffer.allocate(50).put((byte) 0).putInt(number).array();
        assertThatThrownBy(() -> codec.decode(value))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("PromptRequest");
    }

    @Test
    void unknownNumbersAndHeadersAreTheRecordsFault() {
        assertThatThrownBy(() -> codec.decode(new byte[] {0, 0, 0, 0, 9}))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("knows no schema number 9");
        assertThatThrownBy(() -> codec.decode(new byte[] {1, 0, 0, 0, 9}))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("Confluent wire format");
        assertThatThrownBy(() -> codec.decode(new byte[] {0, 0}))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("Confluent wire format");
    }

    @Test
    void truncatedRecordsAreTheRecordsFault() throws IOException {
        byte[] whole = codec.encode(request());
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> codec.decode(cut)).isInstanceOf(MalformedRecordException.class);
        }
    }

    @Test
    void registryThatFailsIsNotTheRecordsFault() throws IOException {
        registry.failWith(503);
        assertThatThrownBy(() -> codec.decode(new byte[] {0, 0, 0, 0, 1}))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("503");
        registry.close();
        assertThatThrownBy(() -> codec.encode(request()))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("does not answer")
                .hasMessageNotContaining("secret");
    }

    @Test
    void registryDoesNotGoWithJson() {
        assertThatThrownBy(() -> new RecordFormat(RecordFormat.Encoding.JSON, SchemaRegistry.of("http://u:p@a")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("http://a");
    }

    @Test
    void theUserIsThatOfThePropertiesUnlessTheUrlIsAskedFor() throws IOException {
        String user = "basic.auth.user.info";
        String source = "basic.auth.credentials.source";
        codec(new SchemaRegistry(registry.url(), Map.of(user, "a:b"))).encode(request());
        codec(new SchemaRegistry(registry.url(), Map.of(user, "a:b", source, "USER_INFO")))
                .encode(request());
        codec(new SchemaRegistry(registry.url(), Map.of(user, "a:b", source, "URL")))
                .encode(request());
        assertThat(registry.authorizations())
                .containsExactly("Basic YTpi", "Basic YTpi", "Basic dXNlcjpzZWNyZXQ="); // user:secret
        assertThatThrownBy(() -> new SchemaRegistry(registry.url(), Map.of(source, "SASL_INHERIT")))
                .hasMessageContaining(source + " is SASL_INHERIT; URL and USER_INFO");
        assertThatThrownBy(() -> new SchemaRegistry(registry.url(), Map.of(source, "USER_INFO")))
                .hasMessageContaining(user + " is missing");
    }

    @Test
    void aRegistryWithACertificateOfItsOwnIsTrustedIfTheTruststoreSaysSo(@TempDir Path folder) throws Exception {
        var certificate = Certificate.make(folder);
        try (TestRegistry secure = new TestRegistry(certificate)) {
            var trusting = new SchemaRegistry(secure.url(), certificate.truststore());
            assertThat(codec(trusting).decode(codec(trusting).encode(request())))
                    .isEqualTo(request());
            assertThatThrownBy(() -> codec(SchemaRegistry.of(secure.url())).encode(request()))
                    .isInstanceOf(IOException.class)
                    .hasRootCauseInstanceOf(CertPathBuilderException.class);
        }
        var nowhere = new SchemaRegistry("https://a", Map.of("ssl.truststore.location", "/no/such.jks"));
        assertThatThrownBy(nowhere::check)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("/no/such.jks");
    }

    private byte[] written(Schema schema, GenericRecord record) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(5)
                .put((byte) 0)
                .putInt(registry.add(schema.toString()))
                .array());
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
        return out.toByteArray();
    }

    private static PromptRequest request() {
        return PromptRequest.newBuilder()
                .setRequestId("r")
                .setPrompt("hello")
                .setSampling(SamplingOptions.newBuilder().setSeed(5L).build())
                .build();
    }
}
