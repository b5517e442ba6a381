package dev.millrace.model.prompt;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.fetch.MediaFetcher;
import dev.millrace.model.prompt.Conversation.Attachment;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Makes of what a user asks what the engine takes: template, tokens, media, positions. It holds no state of a request and
 * serves any number of threads; a call blocks for as long as its media take, and what is wrong with a prompt fails that
 * call alone. What is cheap is checked before what is dear.
 */
public final class PromptPreparer {

    private final ModelConfig model;
    private final Tokenizer tokenizer;
    private final ChatRenderer chats;
    private final MediaFetcher fetcher;
    private final MediaProcessor processor;
    private final PromptLimits limits;
    private final long maxCharacters;

    public PromptPreparer(
            ModelConfig model,
            Tokenizer tokenizer,
            ChatRenderer chats,
            MediaFetcher fetcher,
            MediaProcessor processor,
            PromptLimits limits) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.chats = chats;
        this.fetcher = fetcher;
        this.processor = processor;
        this.limits = limits;
        this.maxCharacters = (long) limits.maxModelLen() * longestToken(tokenizer);
    }

    /**
     * @throws InvalidInputException if the prompt cannot be answered; {@code param} names the part at fault
     * @throws java.util.concurrent.CancellationException if the thread was interrupted while media were fetched
     */
    public Preparation prepare(PromptInput input) {
        if (input instanceof PromptInput.Chat chat) {
            return prepare(chat);
        }
        int[] ids;
        if (input instanceof PromptInput.Text text) {
            checkCharacters(text.text().length(), "prompt");
            ids = tokenizer.encode(text.text());
            checkLength(ids.length, "prompt");
        } else {
            ids = ((PromptInput.Tokens) input).ids();
            checkLength(ids.length, "prompt_token_ids");
            checkVocabulary(ids);
        }
        return new Preparation(PreparedPrompt.text(ids), List.of());
    }

    /**
     * A prompt again as it was prepared: nothing is fetched or tokenised, only pixels are made anew.
     *
     * @param starts where each item's placeholders begin
     */
    public PreparedPrompt restore(int[] tokenIds, int[] starts, List<EncodedMedia> media) {
        var spans = new ArrayList<MediaSpan>();
        for (int i = 0; i < starts.length; i++) {
            var span = new MediaSpan(starts[i], processor.process(media.get(i), tokenIds.length - starts[i]));
            checkFilled(span, tokenIds);
            spans.add(span);
        }
        return new PreparedPrompt(
                tokenIds, List.copyOf(spans), MropePositions.of(tokenIds.length, spans, tokensPerSecond()));
    }

    /** An item takes as many tokens as before only if it is resized and sampled as before. */
    private static void checkFilled(MediaSpan span, int[] ids) {
        int end = span.start();
        while (end < ids.length && ids[end] == ids[span.start()]) {
            end++;
        }
        if (end != span.end()) {
            throw new InvalidInputException(
                    "a picture or video of the prompt took " + (end - span.start()) + " tokens and takes "
                            + span.item().numTokens() + " now; continue with the media settings it was begun with",
                    null);
        }
    }

    private Preparation prepare(PromptInput.Chat chat) {
        var conversation = Conversation.of(chat);
        checkMedia(conversation);
        checkCharacters(conversation.characters(), "messages");
        var rendered = chats.render(conversation.messages(), chat.options());
        var expansion = new PlaceholderExpansion(rendered, conversation.media(), model.vision());
        checkLength(expansion.textTokens() + conversation.media().size(), "messages");
        var encoded = fetch(conversation.media());
        var items = new ArrayList<MediaItem>();
        int room = limits.maxModelLen() - 1 - expansion.textTokens();
        for (int i = 0; i < encoded.size(); i++) {
            EncodedMedia media = encoded.get(i);
            int left = room;
            items.add(located(conversation.media().get(i), () -> processor.process(media, left)));
            room -= items.get(i).numTokens();
        }
        return new Preparation(expansion.expand(items, tokensPerSecond()), encoded);
    }

    private List<EncodedMedia> fetch(List<Attachment> media) {
        var encoded = new ArrayList<EncodedMedia>();
        var fetch = fetcher.begin(limits.maxMediaBytes());
        for (Attachment item : media) {
            encoded.add(located(item, () -> fetch.fetch(item.source())));
        }
        return List.copyOf(encoded);
    }

    private double tokensPerSecond() {
        return model.hasVision() ? model.vision().tokensPerSecond() : 0;
    }

    private void checkMedia(Conversation conversation) {
        if (!model.hasVision() && !conversation.media().isEmpty()) {
            throw new InvalidInputException(
                    model.architecture() + " is not a multimodal model; send text only",
                    conversation.media().get(0).at());
        }
        checkCount(conversation.count(false), limits.maxImages(), "image");
        checkCount(conversation.count(true), limits.maxVideos(), "video");
    }

    private static void checkCount(long count, int limit, String modality) {
        if (count > limit) {
            throw new InvalidInputException(
                    "At most " + limit + " " + modality + "(s) may be provided in one prompt.", "messages");
        }
    }

    /** What surely is too long is not even tokenised. */
    private void checkCharacters(long characters, String param) {
        if (characters > maxCharacters) {
            throw new InvalidInputException(
                    "This model's maximum context length is " + limits.maxModelLen() + " tokens (at most "
                            + maxCharacters + " characters). However, your prompt contains " + characters
                            + " characters. Please reduce the length of the input prompt.",
                    param);
        }
    }

    private void checkLength(int tokens, String param) {
        if (tokens == 0) {
            throw new InvalidInputException("The decoder prompt cannot be empty", param);
        }
        if (tokens >= limits.maxModelLen()) {
            throw new InvalidInputException(
                    "This model's maximum context length is " + limits.maxModelLen()
                            + " tokens. However, your prompt contains " + tokens
                            + " input tokens. Please reduce the length of the input prompt.",
                    param);
        }
    }

    private void checkVocabulary(int[] ids) {
        int size = model.text().vocabSize();
        for (int id : ids) {
            if (id < 0 || id >= size) {
                throw new InvalidInputException(
                        "Token id " + id + " is out of vocabulary; allowed are 0 to " + (size - 1), "prompt_token_ids");
            }
        }
    }

    /** Says of a failure to which item it belongs. */
    private static <T> T located(Attachment item, Supplier<T> step) {
        try {
            return step.get();
        } catch (InvalidInputException e) {
            throw new InvalidInputException(item.at() + ": " + e.getMessage(), item.at(), e);
        }
    }

    private static int longestToken(Tokenizer tokenizer) {
        int longest = 1;
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            longest = Math.max(longest, tokenizer.tokenBytes(id).length);
        }
        return longest;
    }
}
