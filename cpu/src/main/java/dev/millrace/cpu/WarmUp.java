package dev.millrace.cpu;

import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.sampling.SamplingParams;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Steps without meaning that let the JVM compile the kernels while nobody waits. They touch row 0, the null block and the
 * first media rows, which real steps set before they use them.
 */
final class WarmUp {

    private static final int ROUNDS = 240;
    private static final long NANOS = 5_000_000_000L;
    private static final int[] NONE = {};
    private static final int PROMPT = 24;
    private static final int PATCHES_ALONG_SIDE = 8;

    /** Code is compiled once in a JVM's life, however many executors there are. */
    private static final AtomicBoolean DONE = new AtomicBoolean();

    private final VisionConfig vision; // or null
    private final int tokens;
    private final int mediaRows;
    private final long start = System.nanoTime();
    private int round;

    /**
     * @param vision the tower, or null
     * @param tokens most tokens in a step
     * @param mediaRows rows of the media buffer
     */
    WarmUp(VisionConfig vision, int tokens, int mediaRows) {
        this.vision = vision;
        this.tokens = Math.min(PROMPT, tokens);
        this.mediaRows = mediaRows;
    }

    /** Whether nothing would be won by another step. */
    boolean done() {
        if (round == ROUNDS || System.nanoTime() - start > NANOS) {
            DONE.set(true);
        }
        return DONE.get();
    }

    /** Does the next: single tokens first, which hold a real step up least, then now and then a picture and a prompt. */
    void next(Consumer<ForwardBatch> step, Consumer<List<MediaInput>> encoder) {
        if (++round % 4 == 0) {
            encoder.accept(picture());
            step.accept(batch(tokens));
        } else {
            step.accept(batch(1));
        }
    }

    private List<MediaInput> picture() {
        if (vision == null) {
            return List.of();
        }
        int side = PATCHES_ALONG_SIDE / vision.spatialMergeSize() * vision.spatialMergeSize();
        float[] patches = new float[side * side * vision.patchLength()];
        MediaItem item = new MediaItem(new MediaKey(0, 0), false, 1, side, side, vision.spatialMergeSize(), 0, patches);
        return item.numTokens() > mediaRows
                ? List.of()
                : List.of(new MediaInput(
                        item, IntStream.range(0, item.numTokens()).toArray()));
    }

    private static ForwardBatch batch(int count) {
        int[] noMedia = new int[count];
        Arrays.fill(noMedia, -1);
        return new ForwardBatch(
                -1,
                new int[count],
                noMedia,
                new int[3 * count],
                new int[] {0, count},
                new int[] {PROMPT},
                new int[] {0},
                new int[] {count - 1},
                new int[] {0},
                new int[] {-1},
                NONE,
                NONE,
                NONE,
                NONE,
                List.of(new RowAssignment(0, SamplingParams.greedy(), 0, new int[1], NONE)),
                false);
    }
}
