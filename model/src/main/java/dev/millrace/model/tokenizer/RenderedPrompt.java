package dev.millrace.model.tokenizer;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A conversation as the model reads it.
 *
 * @param text what the template rendered
 * @param segments the same as tokens
 */
public record RenderedPrompt(String text, List<Segment> segments) {

    /** All ids in order; as many media placeholders as the template wrote. */
    public int[] ids() {
        return segments.stream().flatMapToInt(Segment::ids).toArray();
    }

    /** A part of the prompt. */
    public sealed interface Segment {

        IntStream ids();
    }

    /** A special token that the template wrote, such as a media placeholder; never one that a user typed. */
    public record SpecialToken(int id) implements Segment {

        @Override
        public IntStream ids() {
            return IntStream.of(id);
        }
    }

    /** Text between special tokens, the template's and the users' together, so that pieces merge across their border. */
    public record TextTokens(int[] tokenIds) implements Segment {

        @Override
        public IntStream ids() {
            return IntStream.of(tokenIds);
        }
    }
}
