package dev.millrace.model.prompt;

import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.List;

/**
 * The three-axis rotary positions (time, height, width) of a prompt, and of the tokens that follow it, sliced by token
 * index so that a chunk's positions never depend on where the chunk starts.
 *
 * <p>The rule is the one the model was released with and vLLM keeps (vLLM {@code qwen2_5_vl.py},
 * {@code get_mrope_input_positions}): text counts up equally on the axes; a picture holds time and spreads height and
 * width over the merged grid; a video's time is {@code trunc(t · secondsPerGrid · tokensPerSecond)}; text resumes at the
 * maximum over the axes plus one.
 */
public final class MropePositions {

    private final int[] prompt; // [3, length], or null where every token is text
    private final int length;
    private final int delta;

    private MropePositions(int[] prompt, int length, int delta) {
        this.prompt = prompt;
        this.length = length;
        this.delta = delta;
    }

    public static MropePositions text(int length) {
        return new MropePositions(null, length, 0);
    }

    /** Positions of a prompt of {@code length} tokens with media at the given spans. */
    public static MropePositions of(int length, List<MediaSpan> media, double tokensPerSecond) {
        if (media.isEmpty()) {
            return text(length);
        }
        int[] prompt = new int[3 * length];
        int next = 0;
        int token = 0;
        for (MediaSpan span : media) {
            next = fillText(prompt, length, token, span.start(), next);
            next = fillMedia(prompt, length, span, tokensPerSecond, next);
            token = span.end();
        }
        next = fillText(prompt, length, token, length, next);
        return new MropePositions(prompt, length, next - length);
    }

    /** Position on an axis (0 time, 1 height, 2 width) of the token at an index of the sequence, generated ones included. */
    public int at(int axis, int index) {
        return prompt != null && index < length ? prompt[axis * length + index] : index + delta;
    }

    /** What is added to the index of a token after the prompt to get its position. */
    public int delta() {
        return delta;
    }

    private static int fillText(int[] prompt, int length, int from, int to, int position) {
        for (int i = from; i < to; i++, position++) {
            prompt[i] = position;
            prompt[length + i] = position;
            prompt[2 * length + i] = position;
        }
        return position;
    }

    private static int fillMedia(int[] prompt, int length, MediaSpan span, double tokensPerSecond, int start) {
        var item = span.item();
        int height = item.gridH() / item.mergeSize();
        int width = item.gridW() / item.mergeSize();
        double perGrid = item.video() ? item.secondsPerGrid() * tokensPerSecond : 0;
        int i = span.start();
        int max = start;
        for (int t = 0; t < item.gridT(); t++) {
            int time = start + (int) (t * perGrid);
            for (int h = 0; h < height; h++) {
                for (int w = 0; w < width; w++, i++) {
                    prompt[i] = time;
                    prompt[length + i] = start + h;
                    prompt[2 * length + i] = start + w;
                }
            }
            max = Math.max(max, time);
        }
        return Math.max(max, start + Math.max(height, width) - 1) + 1;
    }
}
