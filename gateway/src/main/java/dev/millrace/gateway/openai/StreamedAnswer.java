package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Makes chunks of events as they come. One thread at a time. */
public final class StreamedAnswer {

    /** How far one answer is. */
    private static final class Choice {
        private int tokens;
        private int characters;
        private String diverged;
    }

    private final CallOptions options;
    private final AnswerFormat format;
    private final List<PromptCollector> prompts;
    private final Map<Integer, Choice> choices = new HashMap<>();
    private final CallUsage usage = new CallUsage();
    private final int[] promptTokens;
    private boolean opened;

    StreamedAnswer(CallOptions options, AnswerFormat format, List<PromptCollector> prompts) {
        this.options = options;
        this.format = format;
        this.promptTokens = new int[prompts.size()];
        this.prompts = prompts;
    }

    /**
     * Takes an event in.
     *
     * @param prompt which of the call's prompts it answers
     * @return the chunks that it makes, as JSON
     */
    public List<String> accept(int prompt, TokenEvent event) {
        List<String> chunks = new ArrayList<>(2);
        if (event.getPromptTokens() != null) {
            promptTokens[prompt] = event.getPromptTokens();
        }
        if (!opened) {
            opened = true;
            open(chunks);
        }
        prompts.get(prompt).accept(event);
        if (!event.getTokenIds().isEmpty() || event.getFinishReason() != null) {
            chunks.add(piece(prompt, event));
        }
        return chunks;
    }

    /** A replay differed from what was sent; the next chunk of the answer says so. */
    public void diverged(int prompt, int choice, String message) {
        choice(prompt, choice).diverged = message;
    }

    /** One prompt's answers have all ended. */
    public void end(Usage taken) {
        usage.add(taken);
    }

    /** The chunks behind the last one of the last answer. */
    public List<String> finish() {
        return options.includeUsage() ? List.of(usageChunk().toString()) : List.of();
    }

    private void open(List<String> chunks) {
        for (int index = 0; index < prompts.size() * options.choices(); index++) {
            for (ObjectNode choice : format.opening(index)) {
                boolean first = choice.get("delta").has("role");
                chunks.add(chunk(choice, continuous(promptTokens[index / options.choices()], 0), first));
            }
        }
    }

    private String piece(int prompt, TokenEvent event) {
        Choice choice = choice(prompt, event.getChoice());
        String text = String.join("", event.getText());
        PromptPart opened = choice.tokens == 0 ? prompts.get(prompt).part() : null;
        ChoicePiece piece = new ChoicePiece(
                index(prompt, event.getChoice()),
                choice.characters,
                opened,
                text,
                event.getTokenIds(),
                event.getLogprobs(),
                finishReason(event),
                event.getStopReason(),
                choice.diverged);
        choice.diverged = null;
        choice.tokens += event.getTokenIds().size();
        choice.characters += characters(text) + (opened == null ? 0 : characters(opened.text()));
        return chunk(format.piece(piece), continuous(promptTokens[prompt], choice.tokens), false);
    }

    private static int characters(String text) {
        return text.codePointCount(0, text.length());
    }

    private int index(int prompt, int choice) {
        return prompt * options.choices() + choice;
    }

    private Choice choice(int prompt, int choice) {
        return choices.computeIfAbsent(index(prompt, choice), index -> new Choice());
    }

    static String finishReason(TokenEvent event) {
        return event.getFinishReason() == null
                ? null
                : event.getFinishReason().name().toLowerCase(Locale.ROOT);
    }

    private ObjectNode continuous(int promptTokens, int completionTokens) {
        return options.continuousUsage() ? CallUsage.json(promptTokens, completionTokens) : null;
    }

    private String chunk(ObjectNode choice, ObjectNode usage, boolean opening) {
        ObjectNode chunk = begin();
        chunk.putArray("choices").add(choice);
        format.finishChunk(chunk, usage, opening ? prompts.get(0).part() : null);
        return chunk.toString();
    }

    private ObjectNode usageChunk() {
        ObjectNode chunk = begin();
        chunk.putArray("choices");
        chunk.set("usage", usage.toJson(options.cachedTokens()));
        return chunk;
    }

    private ObjectNode begin() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", options.id())
                .put("object", options.endpoint().chunkObject())
                .put("created", options.created())
                .put("model", options.model());
    }
}
