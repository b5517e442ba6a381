package dev.millrace.schemas.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.SampleRecords;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenEventJsonTest {

    private final TokenEventJson json = new TokenEventJson();

    @Test
    void allFieldsSurvive() throws IOException {
        TokenEvent event = SampleRecords.lastEvent();
        assertThat(json.decode(json.encode(event))).isEqualTo(event);
        TokenEvent stopped = TokenEvent.newBuilder(event).setStopReason(7).build();
        assertThat(json.decode(json.encode(stopped))).isEqualTo(stopped);
        TokenEvent prompt = SampleRecords.promptEvent();
        assertThat(json.decode(json.encode(prompt))).isEqualTo(prompt);
    }

    @Test
    void aPlainEventIsShortAndReadable() throws IOException {
        TokenEvent event = TokenEvent.newBuilder()
                .setRequestId("r")
                .setTokenIds(List.of(5))
                .setText(List.of("猫"))
                .setEmittedAt(Instant.ofEpochMilli(9))
                .build();
        assertThat(new String(json.encode(event), StandardCharsets.UTF_8))
                .isEqualTo("{\"request_id\":\"r\",\"choice\":0,\"first_position\":0,\"token_ids\":[5],\"text\":[\"猫\"],"
                        + "\"text_start\":0,\"attempt\":0,\"emitted_at\":9}");
        assertThat(json.decode(json.encode(event))).isEqualTo(event);
    }

    @Test
    void minusInfinityIsWrittenAsVllmWritesIt() throws IOException {
        TokenEvent event = SampleRecords.lastEvent();
        event.getLogprobs().get(0).getChosen().setLogprob(Float.NEGATIVE_INFINITY);
        assertThat(new String(json.encode(event), StandardCharsets.UTF_8)).contains("\"logprob\":-9999.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "{\"request_id\":5}", "[]", "nonsense", "{\"request_id\":\"r\",\"finish_reason\":\"x\"}"})
    void whatIsNoEventIsRefused(String value) {
        assertThatThrownBy(() -> json.decode(value.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MalformedRecordException.class);
    }
}
