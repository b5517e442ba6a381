package dev.millrace.model.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import dev.millrace.model.InvalidInputException;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint's Jinja template, rendered as transformers does ({@code trim_blocks}, {@code lstrip_blocks}). What a user
 * wrote is never taken as template code. Safe for use by several threads.
 */
public final class ChatTemplate {

    private static final Jinjava ENGINE = new Jinjava(JinjavaConfig.newBuilder()
            .withTrimBlocks(false)
            .withLstripBlocks(false)
            .withKeepTrailingNewline(true)
            .withNestedInterpretationEnabled(false)
            .withLegacyOverrides(LegacyOverrides.newBuilder()
                    .withEvaluateMapKeys(true)
                    .withIterateOverMapKeys(true)
                    .withUsePyishObjectMapper(true)
                    .withUseNaturalOperatorPrecedence(true)
                    .withKeepNullableLoopValues(true)
                    .withHandleBackslashInQuotesOnly(true)
                    .withAllowAdjacentTextNodes(true)
                    .build())
            .build());

    private final String source;

    /** @param source the template's text */
    public ChatTemplate(String source) {
        this.source = TemplateWhitespace.resolve(source);
    }

    /**
     * Renders a conversation.
     *
     * @param addGenerationPrompt whether the text ends where the assistant's answer begins
     * @param addVisionId whether pictures and videos are numbered
     * @throws InvalidInputException if the template fails on it
     */
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt, boolean addVisionId) {
        var result = ENGINE.renderForResult(
                source,
                Map.of(
                        "messages",
                        messages.stream().map(ChatMessage::toTemplate).toList(),
                        "add_generation_prompt",
                        addGenerationPrompt,
                        "add_vision_id",
                        addVisionId));
        if (result.hasErrors()) {
            throw new InvalidInputException(
                    "the model's chat template cannot render these messages: "
                            + result.getErrors().get(0).getMessage(),
                    "messages");
        }
        return result.getOutput();
    }
}
