package dev.millrace.model.prompt;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.prompt.Conversation.Attachment;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.tokenizer.RenderedPrompt;
import dev.millrace.model.tokenizer.RenderedPrompt.SpecialToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Gives each media item its placeholders: the template writes one token for an item, the model wants as many as it has
 * embeddings. Only tokens that the template wrote count.
 */
final class PlaceholderExpansion {

    private final List<int[]> texts = new ArrayList<>(); // what stands before each item, and after the last
    private final List<Integer> placeholders = new ArrayList<>();

    /**
     * @throws InvalidInputException unless the template wrote one placeholder of its kind for each item, in order
     */
    PlaceholderExpansion(RenderedPrompt rendered, List<Attachment> media, VisionConfig vision) {
        var text = IntStream.builder();
        for (var segment : rendered.segments()) {
            if (!media.isEmpty() && segment instanceof SpecialToken token && isPlaceholder(token.id(), vision)) {
                texts.add(text.build().toArray());
                placeholders.add(token.id());
                text = IntStream.builder();
            } else {
                segment.ids().forEach(text);
            }
        }
        texts.add(text.build().toArray());
        List<Integer> expected = media.stream()
                .map(item -> item.source().video() ? vision.videoTokenId() : vision.imageTokenId())
                .toList();
        if (!placeholders.equals(expected)) {
            throw new InvalidInputException(
                    "the model's chat template wrote placeholders " + placeholders + " for media whose tokens are "
                            + expected,
                    "messages");
        }
    }

    private static boolean isPlaceholder(int id, VisionConfig vision) {
        return id == vision.imageTokenId() || id == vision.videoTokenId();
    }

    /** Tokens but for the items'. */
    int textTokens() {
        return texts.stream().mapToInt(text -> text.length).sum();
    }

    PreparedPrompt expand(List<MediaItem> items, double tokensPerSecond) {
        int length =
                textTokens() + items.stream().mapToInt(MediaItem::numTokens).sum();
        int[] ids = new int[length];
        var spans = new ArrayList<MediaSpan>();
        int at = 0;
        for (int i = 0; i < texts.size(); i++) {
            System.arraycopy(texts.get(i), 0, ids, at, texts.get(i).length);
            at += texts.get(i).length;
            if (i < items.size()) {
                var span = new MediaSpan(at, items.get(i));
                Arrays.fill(ids, span.start(), span.end(), placeholders.get(i));
                spans.add(span);
                at = span.end();
            }
        }
        return new PreparedPrompt(ids, List.copyOf(spans), MropePositions.of(length, spans, tokensPerSecond));
    }
}
