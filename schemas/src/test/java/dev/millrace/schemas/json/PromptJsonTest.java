package dev.millrace.schemas.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SampleRecords;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.StructuredOutputs;
import dev.millrace.schemas.TextPart;
import dev.millrace.schemas.avro.SingleObjectCodec;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptJsonTest {

    private final List<String> unknown = new ArrayList<>();
    private final PromptJson json = new PromptJson(unknown::add);

    @Test
    void chatCompletionsBodyOfAStockClientIsAPrompt() throws IOException {
        PromptRequest request = read(
                """
                {"model": "demo-vl", "messages": [
                   {"role": "system", "content": "Be brief."},
                   {"role": "user", "name": "ann", "content": [
                      {"type": "text", "text": "What is this?"},
                      {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "high"}},
                      {"type": "video_url", "video_url": {"url": "file:///a.mp4"}}]}],
                 "temperature": 0, "max_completion_tokens": 32, "max_tokens": 9, "top_p": 0.5, "seed": 17,
                 "logprobs": true, "top_logprobs": 5, "stop": "\\n", "stream": true, "user": "u"}
                """);
        assertThat(request.getModel()).isEqualTo("demo-vl");
        assertThat(request.getRequestId()).isEmpty();
        assertThat(request.getMessages()).hasSize(2);
        assertThat(request.getMessages().get(0).getContent()).containsExactly(new TextPart("Be brief."));
        assertThat(request.getMessages().get(1).getContent())
                .containsExactly(
                        new TextPart("What is this?"),
                        media(MediaKind.IMAGE)
                                .setUrl("https://example.org/a.png")
                                .build(),
                        media(MediaKind.VIDEO).setUrl("file:///a.mp4").build());
        SamplingOptions sampling = request.getSampling();
        assertThat(sampling.getTemperature()).isZero();
        assertThat(sampling.getMaxTokens()).isEqualTo(32);
        assertThat(sampling.getTopP()).isEqualTo(0.5);
        assertThat(sampling.getSeed()).isEqualTo(17);
        assertThat(sampling.getLogprobs()).isEqualTo(5);
        assertThat(sampling.getStop()).containsExactly("\n");
        assertThat(unknown).isEmpty();
    }

    @Test
    void qwensOwnPartsAreRead() throws IOException {
        PromptRequest request = read(
                """
                {"messages": [{"role": "user", "content": [
                   {"type": "image", "image": "file:///a.jpg", "min_pixels": 50176, "max_pixels": 50176},
                   {"type": "video", "video": "https://example.org/v.mp4", "fps": 1.5, "max_pixels": 151200},
                   {"type": "video", "video": ["data:image/jpeg;base64,AQI=", "data:image/png;base64,Aw=="], "fps": 4},
                   {"image": "data:image/png;base64,AA=="}]}]}
                """);
        List<Object> parts = request.getMessages().get(0).getContent();
        MediaPart picture = (MediaPart) parts.get(0);
        assertThat(picture.getMinPixels()).isEqualTo(50176);
        MediaPart video = (MediaPart) parts.get(1);
        assertThat(video.getFps()).isEqualTo(1.5);
        assertThat(video.getMaxPixels()).isEqualTo(151200);
        MediaPart frames = (MediaPart) parts.get(2);
        assertThat(frames.getUrl()).isNull();
        assertThat(frames.getFrames()).extracting(frame -> frame.remaining()).containsExactly(2, 1);
        assertThat(((MediaPart) parts.get(3)).getKind()).isEqualTo(MediaKind.IMAGE);
    }

    @Test
    void partsThatVllmKnowsByOtherNamesAreRead() throws IOException {
        PromptRequest request = read(
                """
                {"messages": [{"role": "developer", "content": [
                   {"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"},
                   {"type": "refusal", "refusal": "c"}, {"type": "thinking", "thinking": "d"},
                   {"type": "input_image", "image_url": "http://a/b.png", "detail": "auto"}]}]}
                """);
        assertThat(request.getMessages().get(0).getContent())
                .containsExactly(
                        new TextPart("a"),
                        new TextPart("b"),
                        new TextPart("c"),
                        new TextPart("d"),
                        media(MediaKind.IMAGE).setUrl("http://a/b.png").build());
    }

    @Test
    void mediaOptionsOfTheBodyHoldForPartsWithoutTheirOwn() throws IOException {
        PromptRequest request = read(
                """
                {"messages": [{"role": "user", "content": [
                   {"type": "image_url", "image_url": "http://a/b.png"},
                   {"type": "video_url", "video_url": "http://a/b.mp4"},
                   {"type": "video_url", "video_url": "http://a/c.mp4", "nframes": 8}]}],
                 "mm_processor_kwargs": {"max_pixels": 1000}, "media_io_kwargs": {"video": {"fps": 3}}}
                """);
        List<Object> parts = request.getMessages().get(0).getContent();
        assertThat(parts)
                .containsExactly(
                        media(MediaKind.IMAGE)
                                .setUrl("http://a/b.png")
                                .setMaxPixels(1000)
                                .build(),
                        media(MediaKind.VIDEO)
                                .setUrl("http://a/b.mp4")
                                .setMaxPixels(1000)
                                .setFps(3.0)
                                .build(),
                        media(MediaKind.VIDEO)
                                .setUrl("http://a/c.mp4")
                                .setMaxPixels(1000)
                                .setNumFrames(8)
                                .build());
    }

    @Test
    void aListOfRatesHasOneForEachVideo() throws IOException {
        String body =
                """
                {"messages": [{"role": "user", "content": [
                   {"type": "video_url", "video_url": "http://a"}, {"type": "image_url", "image_url": "http://b"}]},
                  {"role": "user", "content": [{"type": "video_url", "video_url": "http://c"},
                   {"type": "video_url", "video_url": "http://d", "num_frames": 4}]}],
                 "mm_processor_kwargs": {"fps": %s}%s}
                """;
        List<MediaPart> parts = read(body.formatted("[1.5, 3, 9]", "")).getMessages().stream()
                .flatMap(message -> message.getContent().stream())
                .map(MediaPart.class::cast)
                .toList();
        assertThat(parts).extracting(MediaPart::getFps).containsExactly(1.5, null, 3.0, null);
        assertThat(parts.get(3).getNumFrames()).isEqualTo(4);
        String others = ", \"media_io_kwargs\": {\"video\": {\"fps\": 5}}";
        assertThat(read(body.formatted("[7]", others))
                        .getMessages()
                        .get(0)
                        .getContent()
                        .get(0))
                .extracting("fps")
                .isEqualTo(5.0);
        String words = " rates for 3 videos; give one for each, or a number for all";
        assertRefused(body.formatted("[1]", ""), "mm_processor_kwargs.fps", "lists 1" + words);
        assertRefused(body.formatted("[1, 2, 3, 4]", ""), "mm_processor_kwargs.fps", "lists 4" + words);
        assertRefused(body.formatted("[1, 2, null]", ""), "mm_processor_kwargs.fps[2]", "must be a number, got null");
        assertThat(read("{\"messages\": [], \"mm_processor_kwargs\": {\"fps\": []}}"))
                .isNotNull();
    }

    @Test
    void pixelsAreBoundedByEitherOfTheirNames() throws IOException {
        assertThat(defaultsOf("{\"mm_processor_kwargs\": {\"size\": {\"shortest_edge\": 10, \"longest_edge\": 20}}}"))
                .isEqualTo(media(MediaKind.VIDEO)
                        .setUrl("http://a")
                        .setMinPixels(10)
                        .setMaxPixels(20)
                        .build());
        assertThat(defaultsOf("{\"mm_processor_kwargs\": {\"size\": {\"longest_edge\": 20}, \"max_pixels\": 30}}"))
                .isEqualTo(media(MediaKind.VIDEO)
                        .setUrl("http://a")
                        .setMaxPixels(30)
                        .build());
    }

    @Test
    void framesAreChosenByOneRule() throws IOException {
        assertThat(defaultsOf("{\"mm_processor_kwargs\": {\"fps\": 1}, \"media_io_kwargs\": {\"video\": {}}}")
                        .getFps())
                .isEqualTo(1);
        var eight = media(MediaKind.VIDEO).setUrl("http://a").setNumFrames(8).build();
        assertThat(defaultsOf("{\"mm_processor_kwargs\": {\"num_frames\": 8}}")).isEqualTo(eight);
        assertThat(
                        defaultsOf(
                                "{\"mm_processor_kwargs\": {\"fps\": 1}, \"media_io_kwargs\": {\"video\": {\"num_frames\": 8}}}"))
                .isEqualTo(eight);
        assertThat(defaultsOf("{\"media_io_kwargs\": {\"video\": {\"num_frames\": 8, \"fps\": 1}}}"))
                .isEqualTo(media(MediaKind.VIDEO)
                        .setUrl("http://a")
                        .setNumFrames(8)
                        .setFps(1.0)
                        .build());
    }

    @Test
    void templateOptionsAreRead() throws IOException {
        PromptRequest request = read(
                """
                {"messages": [], "continue_final_message": true, "add_generation_prompt": false, "add_vision_id": true,
                 "chat_template_kwargs": {"a": [1, 2.5, "x", null, NaN], "b": {"c": false}, "d": 99999999999999999999}}
                """);
        assertThat(request.getContinueFinalMessage()).isTrue();
        assertThat(request.getAddGenerationPrompt()).isFalse();
        assertThat(request.getAddVisionId()).isTrue();
        assertThat(ChatTemplateKwargs.parse(request.getChatTemplateKwargs()))
                .isEqualTo(Map.of(
                        "a",
                        Arrays.asList(1, 2.5, "x", null, Double.NaN),
                        "b",
                        Map.of("c", false),
                        "d",
                        new BigInteger("99999999999999999999")));
        PromptRequest silent = read("{\"messages\": [], \"chat_template_kwargs\": null}");
        assertThat(silent.getContinueFinalMessage()).isFalse();
        assertThat(silent.getAddGenerationPrompt()).isTrue();
        assertThat(ChatTemplateKwargs.parse(silent.getChatTemplateKwargs())).isEmpty();
        assertThat(unknown).isEmpty();
    }

    @Test
    void templateKwargsAreBounded() throws IOException {
        String fits = "{\"a\":\"" + "x".repeat((1 << 16) - 8) + "\"}";
        assertThat(ChatTemplateKwargs.parse(fits)).hasSize(1);
        String tooLong = "{\"a\":\"" + "x".repeat((1 << 16) - 7) + "\"}";
        assertKwargsRefused(tooLong, "must have at most 65536 characters, got 65537");
        assertRefused(
                "{\"messages\":[],\"chat_template_kwargs\":" + tooLong + "}", "chat_template_kwargs", "got 65537");
        assertKwargsRefused("{\"a\":" + "[".repeat(30_000), "nesting depth");
        assertKwargsRefused("[1]", "must be a JSON object, got an array");
        assertKwargsRefused("", "got nothing");
        assertKwargsRefused("{\"a\":1,\"a\":2}", "Duplicate field 'a'");
    }

    @Test
    void completionsBodyIsAPrompt() throws IOException {
        assertThat(read("{\"prompt\": \"Once\", \"logprobs\": 2}").getSampling().getLogprobs())
                .isEqualTo(2);
        assertThat(read("{\"prompt\": [1, 2.0]}").getPromptTokenIds()).containsExactly(1, 2);
        assertThat(read("{\"prompt\": [\"Once\"]}").getPrompt()).isEqualTo("Once");
        assertThat(read("{\"prompt\": [[5]]}").getPromptTokenIds()).containsExactly(5);
        assertThat(read("{\"prompt_token_ids\": [7]}").getPromptTokenIds()).containsExactly(7);
        assertRefused("{\"prompt\": [\"a\", \"b\"]}", "prompt", "2 prompts");
        assertRefused("{\"prompt\": 5}", "prompt", "a string or an array of token ids, got 5");
    }

    @Test
    void allFieldsOfARequestSurviveWritingAndReading() throws IOException {
        PromptRequest request = SampleRecords.conversation();
        assertThat(json.decode(json.encode(request))).isEqualTo(request);
        PromptRequest plain = SampleRecords.plain("a \"quoted\" {{7*7}} <|image_pad|>");
        assertThat(json.decode(json.encode(plain))).isEqualTo(plain);
        assertThat(unknown).isEmpty();
    }

    @Test
    void envelopeFieldsAreRead() throws IOException {
        PromptRequest request = read(
                """
                {"prompt": "a", "request_id": "r", "priority": 2, "created_at": 1700000000123,
                 "deadline": "2026-11-22T13:00:00Z", "reply_to": "me", "headers": {"k": "v"},
                 "chat_template_kwargs": {"add_vision_id": true}}
                """);
        assertThat(request.getRequestId()).isEqualTo("r");
        assertThat(request.getPriority()).isEqualTo(2);
        assertThat(request.getCreatedAt()).isEqualTo(Instant.ofEpochMilli(1700000000123L));
        assertThat(request.getDeadline()).isEqualTo(Instant.parse("2026-11-22T13:00:00Z"));
        assertThat(request.getReplyTo()).isEqualTo("me");
        assertThat(request.getHeaders()).isEqualTo(Map.of("k", "v"));
        assertThat(ChatTemplateKwargs.parse(request.getChatTemplateKwargs())).isEqualTo(Map.of("add_vision_id", true));
    }

    @Test
    void unknownFieldsArePassedOverAndReported() throws IOException {
        read("{\"prompt\": \"a\", \"colour\": \"red\", \"min_tokens\": null}");
        assertThat(unknown).containsExactly("colour");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"tools\": [{\"type\": \"function\"}]",
                "\"guided_json\": {}",
                "\"structured_outputs\": {\"structural_tag\": \"a\"}",
                "\"best_of\": 2",
                "\"cache_salt\": \"s\"",
                "\"chat_template\": \"{{ messages }}\"",
                "\"truncate_prompt_tokens\": 5",
                "\"mm_processor_kwargs\": {\"do_resize\": false}"
            })
    void knownButUnsupportedFieldsAreRefusedByName(String field) {
        String name = field.substring(1, field.indexOf('"', 1));
        assertThatThrownBy(() -> read("{\"messages\": [], " + field + "}"))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining(name)
                .hasMessageContaining("is not supported");
    }

    @Test
    void aBeamSearchIsReadAndWritten() throws IOException {
        String body =
                "{\"prompt\": \"a\", \"n\": 3, \"use_beam_search\": true, \"length_penalty\": 0.5, \"early_stopping\": true}";
        PromptRequest request = read(body);
        assertThat(request.getSampling().getUseBeamSearch()).isTrue();
        assertThat(request.getSampling().getLengthPenalty()).isEqualTo(0.5);
        assertThat(request.getSampling().getEarlyStopping()).isTrue();
        assertThat(json.decode(json.encode(request))).isEqualTo(request);
        assertThat(unknown).isEmpty();
    }

    @Test
    void formatsOfAnswersAreReadAndWrittenAsWhatAnAnswerMustLookLike() throws IOException {
        assertThat(outputs("\"response_format\": {\"type\": \"text\"}")).isNull();
        assertThat(outputs("\"response_format\": {\"type\": \"json_object\"}").getJsonObject())
                .isTrue();
        assertThat(outputs(
                                "\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"x\","
                                        + " \"strict\": true, \"schema\": {\"type\": \"object\", \"required\": [\"b\", \"a\"]}}}")
                        .getJson())
                .isEqualTo("{\"type\":\"object\",\"required\":[\"b\",\"a\"]}");
        assertThat(outputs("\"structured_outputs\": {\"json\": \"{}\", \"disable_any_whitespace\": false}")
                        .getJson())
                .isEqualTo("{}");
        assertThat(outputs("\"structured_outputs\": {\"json\": {\"type\": \"null\"}}")
                        .getJson())
                .isEqualTo("{\"type\":\"null\"}");
        assertThat(outputs("\"structured_outputs\": {\"choice\": [\"a\", \"b\"], \"regex\": \"x\"}"))
                .isEqualTo(StructuredOutputs.newBuilder()
                        .setChoice(List.of("a", "b"))
                        .setRegex("x")
                        .build());
        assertThatThrownBy(() -> outputs("\"response_format\": {\"type\": \"json_schema\"}"))
                .hasMessageContaining("response_format.json_schema.schema is missing");
        assertThatThrownBy(() -> outputs("\"response_format\": {\"type\": \"structural_tag\"}"))
                .hasMessageContaining("must be one of text, json_object, json_schema");
        assertThatThrownBy(() -> outputs("\"structured_outputs\": {\"json\": 3}"))
                .hasMessageContaining("structured_outputs.json must be a JSON schema");
    }

    private StructuredOutputs outputs(String field) throws IOException {
        PromptRequest request = read("{\"prompt\": \"a\", " + field + "}");
        PromptJson codec = new PromptJson(unknown::add);
        assertThat(codec.decode(codec.encode(request))).isEqualTo(request);
        return request.getSampling().getStructuredOutputs();
    }

    @Test
    void unsupportedFieldsThatAskForNothingPass() throws IOException {
        read(
                """
                {"prompt": "a", "tools": [], "tool_choice": "none", "response_format": {"type": "text"}, "best_of": 1,
                 "suffix": null, "modalities": ["text"], "detokenize": true}
                """);
        assertThat(unknown).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"prompt\":\"a\",\"guided_json\":{}}|guided_json|got an object; say structured_outputs.json instead",
                "{\"prompt\":\"a\",\"temperature\":\"hot\"}|temperature|must be a number, got the string \"hot\"",
                "{\"prompt\":\"a\",\"max_tokens\":1.5}|max_tokens|must be an integer of 32 bits, got 1.5",
                "{\"prompt\":\"a\",\"max_tokens\":3000000000}|max_tokens|must be an integer of 32 bits, got 3000000000",
                "{\"prompt\":\"a\",\"seed\":99999999999999999999}|seed|must be an integer of 64 bits",
                "{\"prompt\":\"a\",\"seed\":1e999999999}|seed|must be an integer of 64 bits",
                "{\"prompt\":\"a\",\"seed\":NaN}|seed|must be an integer of 64 bits, got NaN",
                "{\"prompt\":\"a\",\"stop\":[1]}|stop[0]|must be a string",
                "{\"prompt\":\"a\",\"logit_bias\":{\"5\":\"x\"}}|logit_bias.5|must be a number",
                "{\"prompt\":\"a\",\"deadline\":\"soon\"}|deadline|ISO 8601",
                "{\"prompt\":\"a\",\"deadline\":\"+1000000000-12-31T23:59:59Z\"}|deadline|ISO 8601",
                "{\"messages\":[null]}|messages[0]|must be an object, got null",
                "{\"prompt\":\"a\",\"headers\":{\"k\":null}}|headers.k|must be a string, got null",
                "{\"prompt\":\"a\\ud800b\"}|prompt|surrogate pair at character 1",
                "{\"messages\":{}}|messages|must be an array, got an object",
                "{\"messages\":[{\"content\":\"a\"}]}|messages[0].role|is missing",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"audio_url\"}]}]}|messages[0].content[0].type|must be one of",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}|messages[0].content[0].image_url|is missing",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"image\":\"a\",\"fps\":\"2\"}]}]}|messages[0].content[0].fps|must be a number",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video\",\"video\":[\"http://a\"]}]}]}|messages[0].content[0].video[0]|must be a data: URL",
                "{\"messages\":[],\"continue_final_message\":\"yes\"}|continue_final_message|must be true or false, got the string",
                "{\"messages\":[],\"chat_template_kwargs\":[1]}|chat_template_kwargs|must be an object, got an array",
                "{\"messages\":[],\"chat_template_kwargs\":{\"a\":\"\\ud800\"}}|chat_template_kwargs|surrogate pair",
                "{\"messages\":[],\"mm_processor_kwargs\":7}|mm_processor_kwargs|must be an object, got 7",
                "{\"messages\":[],\"mm_processor_kwargs\":{\"size\":3}}|mm_processor_kwargs.size|must be an object, got 3",
                "{\"messages\":[],\"mm_processor_kwargs\":{\"size\":{\"height\":3}}}|mm_processor_kwargs.size.height|is not supported; allowed are longest_edge, shortest_edge",
                "{\"messages\":[],\"mm_processor_kwargs\":{\"min_pixels\":\"3\"}}|mm_processor_kwargs.min_pixels|must be an integer",
                "{\"messages\":[],\"mm_processor_kwargs\":{\"num_frames\":1.5}}|mm_processor_kwargs.num_frames|must be an integer",
                "{\"messages\":[],\"top_logprobs\":3}|top_logprobs|logprobs is not true",
                "{}|messages|exactly one of",
                "{\"messages\":[],\"prompt\":\"a\"}|messages|got messages and prompt"
            })
    void wrongValuesAreRefusedByTheirPath(String body, String param, String words) {
        assertRefused(body, param, words);
    }

    @Test
    void notANumberReachesTheOperatorsCheck() throws IOException {
        assertThat(read("{\"prompt\": \"a\", \"temperature\": NaN}")
                        .getSampling()
                        .getTemperature())
                .isNaN();
    }

    @Test
    void brokenJsonIsRefusedWithItsPlace() {
        assertRefused("{\"prompt\": \"a\",\n \"seed\": }", null, "line 2, column 10");
        assertRefused(
                "{\"prompt\": \"a\"", null, "expected close marker for Object (start marker at [line: 1, column: 1])");
        assertRefused("/* a */ {}", null, "maybe a (non-standard) comment? (line 1, column 1)");
        assertRefused("", null, "got nothing");
        assertRefused("[1]", null, "must be a JSON object, got an array");
        assertRefused(
                "{\"prompt\":\"a\"} {}",
                null,
                "the value is no valid JSON: more follows the first value; a record is one prompt (line 1, column ");
        assertRefused("{\"prompt\":\"a\"} x", null, "no valid JSON");
        assertRefused("{\"seed\": 1, \"seed\": 2, \"prompt\": \"a\"}", null, "JSON: Duplicate field 'seed' (line 1");
        assertThatThrownBy(() -> json.decode(new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'}))
                .isInstanceOf(MalformedRecordException.class);
    }

    @Test
    void deepNestingIsRefused() {
        assertRefused(
                "{\"prompt\": " + "[".repeat(100_000), null, "nesting depth (65) exceeds the maximum allowed (64)");
        assertRefused("{\"x\": " + "{\"a\":".repeat(100_000), null, "no valid JSON");
        assertRefused("{\"seed\": " + "9".repeat(1_000_000) + "}", null, "exceeds the maximum allowed (100)");
    }

    @Test
    void whateverIsReadCanBeKeptInStateAndTheRestIsRefused() throws IOException {
        byte[] whole = json.encode(SampleRecords.conversation());
        byte[] spice = "\"{}[]:,0123456789eE+-.\\utfn N".getBytes(StandardCharsets.UTF_8);
        SingleObjectCodec<PromptRequest> state = new SingleObjectCodec<>(PromptRequest.class);
        Random random = new Random(11);
        for (int i = 0; i < 20_000; i++) {
            byte[] changed = whole.clone();
            for (int k = 0; k <= random.nextInt(3); k++) {
                changed[random.nextInt(whole.length)] = spice[random.nextInt(spice.length)];
            }
            try {
                PromptRequest request = json.decode(changed);
                assertThat(state.decode(state.encode(request))).isEqualTo(request);
            } catch (MalformedRecordException e) {
                assertThat(e.toEventError().getMessage()).isNotEmpty();
            }
        }
    }

    @Test
    void thirtyTwoMebibytesParse() throws IOException {
        String picture = "data:image/png;base64," + "A".repeat(32 << 20);
        PromptRequest request =
                read("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\""
                        + picture + "\"}}]}]}");
        MediaPart part = (MediaPart) request.getMessages().get(0).getContent().get(0);
        assertThat(part.getUrl()).hasSize(picture.length());
    }

    /** What the body says of a video that says nothing. */
    private MediaPart defaultsOf(String options) throws IOException {
        PromptRequest request = read(
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video_url\",\"video_url\":\"http://a\"}]}],"
                        + options.substring(1));
        return (MediaPart) request.getMessages().get(0).getContent().get(0);
    }

    private static void assertKwargsRefused(String text, String words) {
        assertThatThrownBy(() -> ChatTemplateKwargs.parse(text))
                .isInstanceOfSatisfying(MalformedRecordException.class, e -> {
                    assertThat(e).hasMessageStartingWith("chat_template_kwargs").hasMessageContaining(words);
                    assertThat(e.toEventError().getParam()).isEqualTo("chat_template_kwargs");
                });
    }

    private static MediaPart.Builder media(MediaKind kind) {
        return MediaPart.newBuilder().setKind(kind);
    }

    private PromptRequest read(String body) throws IOException {
        return json.decode(body.getBytes(StandardCharsets.UTF_8));
    }

    private void assertRefused(String body, String param, String words) {
        assertThatThrownBy(() -> read(body)).isInstanceOfSatisfying(MalformedRecordException.class, e -> {
            assertThat(e).hasMessageContaining(words);
            assertThat(e.toEventError().getParam()).isEqualTo(param);
            assertThat(e.toEventError().getCode()).isEqualTo("invalid_request_error");
        });
    }
}
