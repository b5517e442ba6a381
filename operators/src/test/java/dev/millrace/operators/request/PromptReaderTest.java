package dev.millrace.operators.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.prompt.PromptInput.Chat;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TextPart;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptReaderTest {

    @Test
    void whatIsLeftOpenOpensTheAnswer() {
        ChatOptions options = options(request().build());
        assertThat(options.addGenerationPrompt()).isTrue();
        assertThat(options.continueFinalMessage()).isFalse();
        assertThat(options.variables().values()).isEqualTo(Map.of("add_vision_id", false));
    }

    @Test
    void theLastMessageMayBeContinued() {
        ChatOptions options = options(request()
                .setContinueFinalMessage(true)
                .setAddGenerationPrompt(false)
                .build());
        assertThat(options.addGenerationPrompt()).isFalse();
        assertThat(options.continueFinalMessage()).isTrue();
    }

    @Test
    void anAnswerThatContinuesOpensNoOther() {
        var both = request().setContinueFinalMessage(true).build();
        assertThatThrownBy(() -> PromptReader.read(both)).isInstanceOfSatisfying(InvalidInputException.class, e -> {
            assertThat(e)
                    .hasMessageStartingWith(
                            "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
            assertThat(e.param()).isEqualTo("continue_final_message");
        });
    }

    @Test
    void templateKwargsReplaceTheirOwnField() {
        var request = request()
                .setAddVisionId(true)
                .setChatTemplateKwargs("{\"add_vision_id\": false, \"level\": 3, \"list\": [1, {\"a\": \"b\"}]}")
                .build();
        assertThat(options(request).variables().values())
                .isEqualTo(Map.of("add_vision_id", false, "level", 3, "list", List.of(1, Map.of("a", "b"))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'messages': []}|chat_template_kwargs.messages|Found unexpected chat template kwargs from request: {'messages'}",
                "{'chat_template': 'x', 'a': 1}|chat_template_kwargs.chat_template|{'chat_template'}",
                "{'add_generation_prompt': false}|chat_template_kwargs.add_generation_prompt|allowed are all names but",
                "[]|chat_template_kwargs|must be a JSON object, got an array",
                "{'a': }|chat_template_kwargs|no valid JSON",
                "true|chat_template_kwargs|got true"
            },
            quoteCharacter = '`')
    void otherTemplateKwargsAreRefused(String kwargs, String param, String words) {
        var request = request().setChatTemplateKwargs(kwargs.replace('\'', '"')).build();
        assertThatThrownBy(() -> PromptReader.read(request)).isInstanceOfSatisfying(InvalidInputException.class, e -> {
            assertThat(e).hasMessageContaining(words);
            assertThat(e.param()).isEqualTo(param);
        });
    }

    private static ChatOptions options(PromptRequest request) {
        return ((Chat) PromptReader.read(request)).options();
    }

    private static PromptRequest.Builder request() {
        var message = ChatMessage.newBuilder()
                .setRole("assistant")
                .setContent(List.of(new TextPart("So")))
                .build();
        return PromptRequest.newBuilder()
                .setRequestId("r")
                .setMessages(List.of(message))
                .setSampling(SamplingOptions.newBuilder().build());
    }
}
