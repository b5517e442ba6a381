package dev.millrace.operators.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TextPart;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestSnapshotSerializerTest {

    private static final RequestHeader HEADER = new RequestHeader(
            "request-7",
            "prompts",
            3,
            99,
            -2,
            "gateway-1",
            Map.of("trace", "ü", "user", "x"),
            Instant.ofEpochMilli(1_700_000_000_123L),
            Instant.ofEpochMilli(1_700_000_060_000L));

    /** As version 1 could tell. */
    private static final RequestSnapshot FIRST = prepared(-1, false, null, 0, null);

    private static final RequestSnapshot PREPARED =
            prepared(7, true, new BeamParams(2, 0.5, true), 3, new GrammarSource(GrammarSource.Kind.REGEX, "(a|ü)+"));

    private static RequestSnapshot prepared(
            int promptLogprobs, boolean echo, BeamParams beams, int emitted, GrammarSource grammar) {
        return new RequestSnapshot(
                HEADER,
                41,
                Instant.ofEpochMilli(1_700_000_000_200L),
                new Prepared(
                        GenerationParams.builder(
                                        SamplingParams.builder()
                                                .temperature(0.7f)
                                                .topP(0.9f)
                                                .topK(40)
                                                .minP(0.05f)
                                                .repetitionPenalty(1.05f)
                                                .presencePenalty(-0.5f)
                                                .frequencyPenalty(0.25f)
                                                .seed(Long.MIN_VALUE)
                                                .bias(new int[] {3, 9}, new float[] {-100, 2.5f})
                                                .allowedIds(1, 2, 3)
                                                .bannedIds(8)
                                                .minTokens(4)
                                                .stopIds(977, 975)
                                                .build(),
                                        128)
                                .stopTokenIds(977)
                                .eosTokenIds(975)
                                .stop(List.of("。", "stop"))
                                .includeStop(true)
                                .skipSpecialTokens(false)
                                .logprobs(5)
                                .badWords(List.of(new int[] {1, 2}, new int[] {3, 4, 5}))
                                .promptLogprobs(promptLogprobs)
                                .echo(echo)
                                .beams(beams)
                                .grammar(grammar)
                                .build(),
                        new int[] {984, 987, 987, 985, 11},
                        new int[] {1},
                        List.of(
                                new EncodedMedia(
                                        EncodedMedia.Kind.FRAMES,
                                        List.of(new byte[] {1, 2}, new byte[] {-1}),
                                        new MediaOptions(2.0, null, 3136, 50_176)),
                                new EncodedMedia(
                                        EncodedMedia.Kind.IMAGE, List.of(new byte[] {7}), MediaOptions.DEFAULT)),
                        List.of(
                                new ChoiceSnapshot(
                                        new int[] {5, 600, 0},
                                        4,
                                        null,
                                        -1.25,
                                        Instant.ofEpochMilli(1_700_000_001_000L),
                                        16,
                                        emitted),
                                new ChoiceSnapshot(new int[0], 0, FinishReason.STOP, 0, null, 0, 0))));
    }

    private static final RequestSnapshot UNPREPARED = new RequestSnapshot(
            new RequestHeader("r", "t", 0, 0, 0, null, Map.of(), Instant.EPOCH, null),
            0,
            Instant.EPOCH,
            new Unprepared(PromptRequest.newBuilder()
                    .setRequestId("r")
                    .setMessages(List.of(new ChatMessage(
                            "user",
                            List.of(
                                    new TextPart("这是什么?"),
                                    MediaPart.newBuilder()
                                            .setKind(MediaKind.IMAGE)
                                            .setData(ByteBuffer.wrap(new byte[] {1, 2, 3}))
                                            .build()))))
                    .setSampling(
                            SamplingOptions.newBuilder().setTemperature(0.0).build())
                    .build()));

    private final RequestSnapshotSerializer serializer = new RequestSnapshotSerializer();

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        assertSame(serializer.deserialize(2, serializer.serialize(PREPARED)), PREPARED);
        assertSame(serializer.deserialize(2, serializer.serialize(UNPREPARED)), UNPREPARED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prepared", "unprepared"})
    void stateOfVersionOneIsStillRead(String name) throws IOException {
        RequestSnapshot expected = name.equals("prepared") ? FIRST : UNPREPARED;
        assertSame(serializer.deserialize(1, Files.readAllBytes(golden(name, 1))), expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prepared", "unprepared"})
    void stateOfVersionTwoIsStillRead(String name) throws IOException {
        RequestSnapshot expected = name.equals("prepared") ? PREPARED : UNPREPARED;
        assertSame(serializer.deserialize(2, Files.readAllBytes(golden(name, 2))), expected);
    }

    @Test
    void aNewerVersionIsRefusedWithWhatToDo() {
        assertThatThrownBy(() -> serializer.deserialize(3, new byte[0]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("format 3")
                .hasMessageContaining("Use the version that made the savepoint");
    }

    @Test
    void damagedStateIsNoticedBeforeMemoryIsTaken() throws IOException {
        byte[] bytes = serializer.serialize(PREPARED);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> serializer.deserialize(2, cut)).isInstanceOf(IOException.class);
        }
        ByteBuffer.wrap(bytes).putInt(0, Integer.MAX_VALUE);
        assertThatThrownBy(() -> serializer.deserialize(2, bytes)).isInstanceOf(IOException.class);
    }

    /** Writes the files of the present version; to be run once, when a version is made. */
    public static void main(String[] args) throws IOException {
        var serializer = new RequestSnapshotSerializer();
        Files.write(golden("prepared", serializer.getVersion()), serializer.serialize(PREPARED));
        Files.write(golden("unprepared", serializer.getVersion()), serializer.serialize(UNPREPARED));
    }

    private static Path golden(String name, int version) {
        return Path.of(
                System.getProperty("millrace.root"),
                "operators/src/test/resources/state/request-" + name + "-v" + version + ".bin");
    }

    private static void assertSame(RequestSnapshot read, RequestSnapshot expected) {
        assertThat(read).usingRecursiveComparison().isEqualTo(expected);
    }
}
