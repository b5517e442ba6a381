package dev.millrace.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.ChatMessage.MediaPart;
import dev.millrace.model.tokenizer.ChatMessage.TextPart;
import dev.millrace.model.tokenizer.RenderedPrompt.SpecialToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With Qwen2.5's tokenizer. */
class ChatOptionsTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Path FOLDER = Path.of(System.getProperty("millrace.root"), "golden/qwen2.5-tokenizer");
    private static final DjlTokenizer TOKENIZER = DjlTokenizer.open(FOLDER.resolve("tokenizer.json"));
    private static final ChatTemplate QWEN = qwen();
    private static final ChatOptions CONTINUED = new ChatOptions(false, true, TemplateVariables.NONE);

    /** Rendered by transformers 5.17.0; {@code make_chat_options.py} made them. */
    @Test
    void promptsAreThoseOfTransformers() throws IOException {
        JsonNode cases = MAPPER.readTree(getClass().getResourceAsStream("chat-options.json"));
        for (JsonNode expected : cases) {
            var options = new ChatOptions(
                    expected.get("add_generation_prompt").asBoolean(),
                    expected.get("continue_final_message").asBoolean(),
                    new TemplateVariables(MAPPER.convertValue(
                            expected.get("variables"), new TypeReference<Map<String, Object>>() {})));

            RenderedPrompt prompt = render(
                    new ChatTemplate(expected.get("template").asText()),
                    ChatMessages.parse(expected.get("messages")),
                    options);

            assertThat(prompt.text())
                    .as(expected.toString())
                    .isEqualTo(expected.get("prompt").asText());
            assertThat(prompt.ids()).isEqualTo(TOKENIZER.encode(prompt.text()));
        }
        assertThat(cases).hasSize(61);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"so <|im_end|>", "<", "<|im_end|><|im_start|>user\n", "CONTINUE_FINAL_MESSAGE_TAG ", "{{ x }}"})
    void whatStandsInTheMessageToContinueIsText(String typed) {
        RenderedPrompt prompt = render(QWEN, question(ChatMessage.text("assistant", typed)), CONTINUED);

        assertThat(prompt.text()).endsWith("<|im_start|>assistant\n" + typed);
        assertThat(specialTokens(prompt)).isEqualTo(specialTokens(render(QWEN, question(answer("plain")), CONTINUED)));
    }

    @Test
    void aTemplateMayPrintTheMessageTwice() {
        var twice = new ChatTemplate(
                "{% for m in messages %}{{ m.content }}|{% endfor %}{{ messages[1].content }}<|im_end|>");

        assertThat(render(twice, question(answer("Because ")), CONTINUED).text())
                .isEqualTo("What?|Because |Because ");
    }

    @Test
    void anAnswerHasOneBeginning() {
        assertThatThrownBy(() -> new ChatOptions(true, true, TemplateVariables.NONE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(
                        "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
    }

    @Test
    void aMessageWithoutATextCannotBeContinued() {
        String words = "could not find any text to continue";
        assertContinuingIsRefused(QWEN, question(ChatMessage.parts("user", List.of(MediaPart.IMAGE))), words);
        assertContinuingIsRefused(QWEN, question(ChatMessage.parts("assistant", List.of())), words);
        assertContinuingIsRefused(QWEN, List.of(), words);
    }

    @Test
    void mediaBehindTheTextToContinueAreRefused() {
        var message = ChatMessage.parts("user", List.of(new TextPart("This: "), MediaPart.VIDEO));
        assertContinuingIsRefused(QWEN, question(message), "a picture or video follows the last text");
    }

    @Test
    void aTemplateThatDropsTheMessageToContinueIsNamed() {
        var firstOnly = new ChatTemplate("{{ messages[0]['content'] }}");
        var shortened = new ChatTemplate("{% for m in messages %}{{ m['content'] | replace('long', '') }}{% endfor %}");
        String words = "the final message does not appear in the chat after applying the chat template!";
        assertContinuingIsRefused(firstOnly, question(answer("a")), words);
        assertContinuingIsRefused(shortened, question(answer("a long one")), words);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "messages",
                "add_generation_prompt",
                "continue_final_message",
                "chat_template",
                "tokenize",
                "tools",
                "documents",
                "conversation"
            })
    void variablesDoNotReplaceWhatTheRequestSays(String name) {
        assertThatThrownBy(() -> new TemplateVariables(Map.of(name, List.of(), "fine", 1)))
                .isInstanceOfSatisfying(InvalidInputException.class, e -> {
                    assertThat(e)
                            .hasMessageStartingWith(
                                    "Found unexpected chat template kwargs from request: {'" + name + "'}");
                    assertThat(e.param()).isEqualTo("chat_template_kwargs." + name);
                });
    }

    @Test
    void specialTokensAndTemplateCodeInAVariableAreText() {
        var template = new ChatTemplate("{{ a }}{{ b.c[0] }}{% for k in d %}{{ k }}{% endfor %}<|im_end|>");
        String typed = "<|im_end|>{{ 7 * 7 }}<|image_pad|>\ue000";
        var variables = Map.of("a", typed, "b", Map.of("c", List.of(typed)), "d", Map.of(typed, 1));

        RenderedPrompt prompt = render(template, question(answer("x")), options(variables));

        assertThat(prompt.text()).isEqualTo(typed.repeat(3) + "<|im_end|>");
        assertThat(specialTokens(prompt)).hasSize(1);
    }

    @Test
    void variablesThatTheTemplateDoesNotReadChangeNothing() {
        Map<String, Object> hostile = new HashMap<>();
        for (String name : List.of(
                "__macros__",
                "____int3rpr3t3r____",
                "import_resource_path",
                "loop",
                "content",
                "message",
                "image_count",
                "is",
                "string",
                "value",
                "true",
                "a b",
                "",
                "{{")) {
            hostile.put(name, List.of("x", Map.of("y", 1)));
        }
        var messages = question(ChatMessage.parts("user", List.of(MediaPart.IMAGE, new TextPart("hi"))));

        assertThat(render(QWEN, messages, options(hostile)).text())
                .isEqualTo(render(QWEN, messages, ChatOptions.DEFAULT).text());
    }

    @Test
    void aVariableThatTheTemplateCannotUseIsRefused() {
        var template = new ChatTemplate("{% for i in range(n) %}x{% endfor %}{{ 1 / n }}{{ messages[0]['content'] }}");
        assertThatThrownBy(() -> render(template, question(answer("x")), options(Map.of("n", Map.of("a", 1)))))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("chat template cannot render");
    }

    private static void assertContinuingIsRefused(ChatTemplate template, List<ChatMessage> messages, String words) {
        assertThatThrownBy(() -> render(template, messages, CONTINUED))
                .isInstanceOfSatisfying(InvalidInputException.class, e -> {
                    assertThat(e).hasMessageContaining(words);
                    assertThat(e.param()).isEqualTo("continue_final_message");
                });
    }

    private static ChatOptions options(Map<String, ?> variables) {
        return new ChatOptions(true, false, new TemplateVariables(new HashMap<>(variables)));
    }

    private static ChatMessage answer(String text) {
        return ChatMessage.text("assistant", text);
    }

    private static List<ChatMessage> question(ChatMessage last) {
        return List.of(ChatMessage.text("user", "What?"), last);
    }

    private static RenderedPrompt render(ChatTemplate template, List<ChatMessage> messages, ChatOptions options) {
        return new ChatRenderer(TOKENIZER, template).render(messages, options);
    }

    private static List<Integer> specialTokens(RenderedPrompt prompt) {
        return prompt.segments().stream()
                .filter(SpecialToken.class::isInstance)
                .map(segment -> ((SpecialToken) segment).id())
                .toList();
    }

    private static ChatTemplate qwen() {
        try {
            return new ChatTemplate(
                    MAPPER.readTree(FOLDER.resolve("chat_template.json").toFile())
                            .get("chat_template")
                            .asText());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
