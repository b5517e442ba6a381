package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class InboundReaderTest {

    private final InboundReader json = new InboundReader(RecordFormat.JSON.prompts("prompts"));
    private final InboundReader avro = new InboundReader(RecordFormat.AVRO.prompts("prompts"));

    @Test
    void placeAndTimeOfTheRecordAreKept() throws IOException {
        InboundPrompt prompt = json.read(record("k", "{\"prompt\": \"a\"}", Map.of()));
        assertThat(prompt.getTopic()).isEqualTo("prompts");
        assertThat(prompt.getPartition()).isEqualTo(3);
        assertThat(prompt.getOffset()).isEqualTo(17);
        assertThat(prompt.getTimestamp()).isEqualTo(Instant.ofEpochMilli(99));
        assertThat(prompt.getRequest().getPrompt()).isEqualTo("a");
        assertThat(prompt.getUnreadable()).isNull();
    }

    @Test
    void idIsTheBodysElseTheHeadersElseTheKeyElseThePlace() throws IOException {
        Map<String, String> header = Map.of("request-id", "header");
        assertThat(id("key", "{\"prompt\":\"a\",\"request_id\":\"body\"}", header))
                .isEqualTo("body");
        assertThat(id("key", "{\"prompt\":\"a\"}", header)).isEqualTo("header");
        assertThat(id("key", "{\"prompt\":\"a\"}", Map.of())).isEqualTo("key");
        assertThat(id(null, "{\"prompt\":\"a\"}", Map.of())).isEqualTo("prompts/3/17");
        assertThat(id("k".repeat(1000), "{\"prompt\":\"a\"}", Map.of())).isEqualTo("prompts/3/17");
    }

    @Test
    void headersBecomeWordsOfTheRequest() throws IOException {
        PromptRequest request = json.read(record(
                        "k",
                        "{\"prompt\":\"a\",\"headers\":{\"x\":\"body\"}}",
                        Map.of("reply-to", "me", "x", "header", "y", "z")))
                .getRequest();
        assertThat(request.getReplyTo()).isEqualTo("me");
        assertThat(request.getHeaders()).containsEntry("x", "body").containsEntry("y", "z");
    }

    @Test
    void unreadableRecordsKeepTheirBytesAndTellWhy() throws IOException {
        InboundPrompt prompt = avro.read(record("key", "no avro", Map.of()));
        assertThat(prompt.getRequest()).isNull();
        assertThat(prompt.getUnreadable().getKey()).isEqualTo(bytes("key"));
        assertThat(prompt.getUnreadable().getValue()).isEqualTo(bytes("no avro"));
        assertThat(prompt.getUnreadable().getError().getMessage()).contains("single-object");
    }

    @Test
    void unreadableRecordsTellWhoReadsTheAnswer() throws IOException {
        assertThat(replyTo(Map.of("reply-to", "me"))).isEqualTo("me");
        assertThat(replyTo(Map.of())).isNull();
        assertThat(replyTo(Map.of("reply-to", "x".repeat(513)))).isNull();
    }

    private String replyTo(Map<String, String> headers) throws IOException {
        return json.read(record("k", "{", headers)).getUnreadable().getReplyTo();
    }

    @Test
    void idsAndHeadersThatWouldSwellEveryEventAreRefused() throws IOException {
        String longId = "{\"prompt\":\"a\",\"request_id\":\"" + "i".repeat(513) + "\"}";
        assertThat(refusal(longId, Map.of())).contains("request_id has 513 characters; at most 512");
        String longReply = "{\"prompt\":\"a\",\"reply_to\":\"" + "i".repeat(513) + "\"}";
        assertThat(refusal(longReply, Map.of())).contains("reply_to");
        assertThat(refusal("{\"prompt\":\"a\"}", Map.of("h", "x".repeat(70_000))))
                .contains("headers have 70001 characters");
    }

    @Test
    void avroRequestWithoutIdTakesTheRecords() throws IOException {
        PromptRequest request = PromptRequest.newBuilder()
                .setRequestId("")
                .setPrompt("a")
                .setSampling(SamplingOptions.newBuilder().build())
                .build();
        byte[] value = RecordFormat.AVRO.prompts("prompts").encode(request);
        assertThat(avro.read(record("key".getBytes(StandardCharsets.UTF_8), value, Map.of()))
                        .getRequest()
                        .getRequestId())
                .isEqualTo("key");
    }

    private String refusal(String body, Map<String, String> headers) throws IOException {
        return json.read(record("k", body, headers)).getUnreadable().getError().getMessage();
    }

    private String id(String key, String body, Map<String, String> headers) throws IOException {
        return json.read(record(key, body, headers)).getRequest().getRequestId();
    }

    private static ConsumerRecord<byte[], byte[]> record(String key, String value, Map<String, String> headers) {
        byte[] keyBytes = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
        return record(keyBytes, value.getBytes(StandardCharsets.UTF_8), headers);
    }

    private static ConsumerRecord<byte[], byte[]> record(byte[] key, byte[] value, Map<String, String> headers) {
        RecordHeaders all = new RecordHeaders();
        headers.forEach((name, text) -> all.add(name, text.getBytes(StandardCharsets.UTF_8)));
        return new ConsumerRecord<>(
                "prompts", 3, 17, 99, TimestampType.CREATE_TIME, 0, 0, key, value, all, Optional.empty());
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
