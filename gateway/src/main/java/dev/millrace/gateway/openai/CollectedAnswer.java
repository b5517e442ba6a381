package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Keeps events until all have come, and makes one response of them. One thread at a time. */
public final class CollectedAnswer {

    /** One answer so far. */
    private static final class Choice {
        private final StringBuilder text = new StringBuilder();
        private final List<Integer> tokenIds = new ArrayList<>();
        private List<PositionLogprobs> logprobs;
        private String finishReason;
        private Object stopReason;
        private String diverged;

        private void accept(TokenEvent event) {
            event.getText().forEach(text::append);
            tokenIds.addAll(event.getTokenIds());
            if (event.getLogprobs() != null) {
                logprobs = logprobs == null ? new ArrayList<>() : logprobs;
                logprobs.addAll(event.getLogprobs());
            }
            if (event.getFinishReason() != null) {
                finishReason = StreamedAnswer.finishReason(event);
                stopReason = event.getStopReason();
            }
        }
    }

    private final CallOptions options;
    private final AnswerFormat format;
    private final List<PromptCollector> prompts;
    private final Map<Integer, Choice> choices = new TreeMap<>();
    private final CallUsage usage = new CallUsage();

    CollectedAnswer(CallOptions options, AnswerFormat format, List<PromptCollector> prompts) {
        this.options = options;
        this.format = format;
        this.prompts = prompts;
    }

    /**
     * Takes an event in.
     *
     * @param prompt which of the call's prompts it answers
     */
    public void accept(int prompt, TokenEvent event) {
        prompts.get(prompt).accept(event);
        if (!event.getTokenIds().isEmpty() || event.getFinishReason() != null) {
            choice(prompt, event.getChoice()).accept(event);
        }
    }

    /** A replay differed from what was heard before; the response says so. */
    public void diverged(int prompt, int choice, String message) {
        choice(prompt, choice).diverged = message;
    }

    /** One prompt's answers have all ended. */
    public void end(Usage taken) {
        usage.add(taken);
    }

    /** The response, as JSON. */
    public String finish() {
        ObjectNode response = JsonNodeFactory.instance
                .objectNode()
                .put("id", options.id())
                .put("object", options.endpoint().object())
                .put("created", options.created())
                .put("model", options.model());
        ArrayNode array = response.putArray("choices");
        choices.forEach((index, choice) -> array.add(format.whole(whole(index, choice))));
        response.putNull("service_tier").putNull("system_fingerprint");
        response.set("usage", usage());
        format.finishResponse(response, prompts.get(0).part());
        return response.toString();
    }

    private ChoicePiece whole(int index, Choice choice) {
        return new ChoicePiece(
                index,
                0,
                prompts.get(index / options.choices()).part(),
                choice.text.toString(),
                choice.tokenIds,
                choice.logprobs,
                choice.finishReason,
                choice.stopReason,
                choice.diverged);
    }

    private ObjectNode usage() {
        ObjectNode json = usage.toJson(options.cachedTokens());
        if (!options.cachedTokens()) {
            json.putNull("prompt_tokens_details");
        }
        return json;
    }

    private Choice choice(int prompt, int choice) {
        return choices.computeIfAbsent(prompt * options.choices() + choice, index -> new Choice());
    }
}
