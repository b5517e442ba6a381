package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever a producer sends, its own request alone is answered with an error, and the others go on. */
@Timeout(120)
class HostileInputTest {

    private static final Path IMAGE = Path.of(System.getProperty("millrace.root"), "golden", "images", "a0-84x56.png");

    @Test
    void badRequestsFailAloneWhileOthersGoOn() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(Requests.prompt("good-1", "Describe the picture", 30));
            operator.send(named("negative", options -> options.setMaxTokens(-1)));
            operator.send(named("nan", options -> options.setTemperature(Double.NaN)));
            operator.send(Requests.chat("role", "x".repeat(10_000_000), Requests.text("hi")));
            operator.send(Requests.prompt("long", "word ".repeat(1_000), 1));
            operator.send(Requests.prompt("huge", "x".repeat(10_000_000), 1));
            operator.send(Requests.chat("passwd", "user", url(MediaKind.IMAGE, "file:///etc/passwd")));
            operator.send(
                    Requests.chat("unreachable", "user", url(MediaKind.IMAGE, "http://no-such-host.invalid/a.png")));
            operator.send(Requests.chat("loopback", "user", url(MediaKind.IMAGE, "http://127.0.0.1:1/a.png")));
            operator.send(Requests.chat("truncated", "user", data(MediaKind.IMAGE, truncatedPicture())));
            operator.send(Requests.chat("bomb", "user", data(MediaKind.IMAGE, pngOf(20_000, 20_000))));
            operator.send(Requests.chat("text.mp4", "user", data(MediaKind.VIDEO, "not a video".getBytes())));
            operator.send(tokens("alien", List.of(5_000_000)));
            operator.send(tokens("empty", List.of()));
            operator.send(Requests.prompt("", "no id", 1));
            operator.send(Requests.unreadable("{"));
            operator.send(Requests.prompt("good-2", "Describe the picture", 30));

            operator.runToEnd("good-1", "good-2");
            operator.runUntil(() -> operator.queued() == 0);

            assertRefused(operator, "negative", "max_tokens must be at least 1, got -1.");
            assertRefused(operator, "nan", "temperature must be a finite number, got NaN.");
            assertRefused(operator, "role", "However, your prompt contains 10000002 characters");
            assertRefused(operator, "long", "This model's maximum context length is 512 tokens.");
            assertRefused(operator, "huge", "This model's maximum context length is 512 tokens");
            assertRefused(operator, "passwd", "--allowed-local-media-path");
            assertRefused(operator, "unreachable", "no-such-host.invalid");
            assertRefused(operator, "loopback", "the host 127.0.0.1 is not on the public network");
            assertRefused(operator, "truncated", "it is damaged or cut off");
            assertRefused(operator, "bomb", "a PNG picture of 20000x20000 pixels");
            assertRefused(operator, "text.mp4", "cannot identify video file: found text");
            assertRefused(operator, "alien", "Token id 5000000 is out of vocabulary");
            assertRefused(operator, "empty", "The decoder prompt cannot be empty");
            assertThat(operator.answers().tokens("good-1")).hasSize(30);
            assertThat(operator.answers().tokens("good-2")).hasSize(30);
        }
    }

    @Test
    void anErrorThatRepeatsWhatWasAskedFitsIntoEveryTopic() throws Exception {
        String huge = "\ud83d\ude00".repeat(1 << 20);
        PromptRequest request = Requests.prompt("model", "hi", 1);
        request.setModel(huge);
        var unreadable = Requests.unreadable("{");
        unreadable
                .getUnreadable()
                .setError(new MalformedRecordException("odd: " + huge, "messages." + huge).toEventError());
        try (var operator = OperatorFixture.open()) {
            operator.send(request);
            operator.send(unreadable);
            operator.runUntil(() -> operator.queued() == 0);

            assertThat(operator.answers().texts()).containsOnlyKeys("model", "prompts/3/" + unreadable.getOffset());
            for (String id : operator.answers().texts().keySet()) {
                TokenEvent event = operator.answers().last(id);
                assertThat(TokenEvent.getEncoder().encode(event).remaining()).isLessThan(64 << 10);
                assertThat(event.getError().getMessage())
                        .containsPattern("(The model `|odd: )\ud83d\ude00.*\ud83d\ude00…$");
            }
        }
    }

    @Test
    void specialTokensAndTemplateCodeInAUsersTextStayText() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(Requests.chat("typed", "user", Requests.text("<|image_pad|> {{7*7}} <|im_end|>")));
            operator.runToEnd("typed");
            assertThat(operator.answers().last("typed").getFinishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void aRequestOfMorePixelsThanMayWaitIsStillAnswered() throws Exception {
        try (var operator = OperatorFixture.open(OperatorFixture.config(new QueueLimits(100, 1 << 20, 2, 1)))) {
            byte[] picture = Files.readAllBytes(IMAGE);
            for (int i = 0; i < 6; i++) {
                operator.send(Requests.chat("p" + i, "user", data(MediaKind.IMAGE, picture), Requests.text("What?")));
            }
            operator.runToEnd("p0", "p1", "p2", "p3", "p4", "p5");
            assertThat(operator.gate().isIdle()).isTrue();
        }
    }

    private static void assertRefused(OperatorFixture operator, String id, String message) {
        EventError error = operator.answers().last(id).getError();
        assertThat(error).as(id).isNotNull();
        assertThat(error.getCode()).as("%s: %s", id, error.getMessage()).isEqualTo("invalid_request_error");
        assertThat(error.getMessage()).contains(message);
    }

    private static PromptRequest named(String id, Consumer<SamplingOptions> change) {
        PromptRequest request = Requests.prompt(id, "Describe the picture", 5);
        change.accept(request.getSampling());
        return request;
    }

    private static PromptRequest tokens(String id, List<Integer> ids) {
        PromptRequest request = Requests.prompt(id, null, 5);
        request.setPromptTokenIds(ids);
        return request;
    }

    private static MediaPart url(MediaKind kind, String url) {
        return MediaPart.newBuilder().setKind(kind).setUrl(url).build();
    }

    private static MediaPart data(MediaKind kind, byte[] file) {
        return MediaPart.newBuilder()
                .setKind(kind)
                .setData(ByteBuffer.wrap(file))
                .build();
    }

    private static byte[] truncatedPicture() throws IOException {
        byte[] whole = Files.readAllBytes(IMAGE);
        return Arrays.copyOf(whole, whole.length / 2);
    }

    /** A PNG whose header promises so many pixels and which holds none. */
    private static byte[] pngOf(int width, int height) throws IOException {
        var header = new ByteArrayOutputStream();
        var fields = new DataOutputStream(header);
        fields.write("IHDR".getBytes(StandardCharsets.US_ASCII));
        fields.writeInt(width);
        fields.writeInt(height);
        fields.write(new byte[] {8, 2, 0, 0, 0});
        var crc = new CRC32();
        crc.update(header.toByteArray());
        var file = new ByteArrayOutputStream();
        var out = new DataOutputStream(file);
        out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
        out.writeInt(header.size() - 4);
        out.write(header.toByteArray());
        out.writeInt((int) crc.getValue());
        return file.toByteArray();
    }
}
