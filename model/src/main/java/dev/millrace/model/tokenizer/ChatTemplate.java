package dev.millrace.model.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import dev.millrace.model.InvalidInputException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

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

    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    private final String source;
    private final Set<String> names;

    /** @param source the template's text */
    public ChatTemplate(String source) {
        this.source = TemplateWhitespace.resolve(source);
        this.names = NAME.matcher(source).results().map(MatchResult::group).collect(Collectors.toSet());
    }

    /**
     * Renders a conversation to its end. Variables that the template does not name are left out, as in vLLM, so that none
     * means anything to the engine.
     *
     * @throws InvalidInputException if the template fails on it
     */
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt, TemplateVariables variables) {
        Map<String, Object> bindings = new HashMap<>(variables.values());
        bindings.keySet().retainAll(names);
        bindings.put("messages", messages.stream().map(ChatMessage::toTemplate).toList());
        bindings.put("add_generation_prompt", addGenerationPrompt);
        var result = ENGINE.renderForResult(source, bindings);
        if (result.hasErrors()) {
            throw new InvalidInputException(
                    "the model's chat template cannot render these messages: "
                            + result.getErrors().get(0).getMessage(),
                    "messages");
        }
        return result.getOutput();
    }
}
