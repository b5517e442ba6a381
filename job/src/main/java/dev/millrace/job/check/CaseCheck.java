package dev.millrace.job.check;

import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Compares one case: positions, embeddings, logits of the whole prompt in one step and of its end in chunks, and the
 * reference's tokens fed one by one through the key-value cache.
 */
final class CaseCheck {

    /** Chunks that end within a block and within pictures. */
    private static final int CHUNK = 11;

    private final String file;
    private final GoldenCase golden;
    private final PreparedPrompt prompt;
    private final SafetensorsFile references;
    private final SequenceRun run;
    private final int vocabulary;
    private final int maxSamples;
    private final List<CheckRow> rows = new ArrayList<>();

    /**
     * @param maxSamples most logits rows that the executor gives in a step
     */
    CaseCheck(
            String file,
            GoldenCase golden,
            PreparedPrompt prompt,
            SafetensorsFile references,
            ModelExecutor executor,
            int vocabulary,
            int maxSamples) {
        this.file = file;
        this.golden = golden;
        this.prompt = prompt;
        this.references = references;
        this.run = new SequenceRun(executor, prompt);
        this.vocabulary = vocabulary;
        this.maxSamples = maxSamples;
    }

    List<CheckRow> rows() {
        grids();
        positions();
        chunks();
        float[] last = wholePrompt();
        embeddings("image_embeds", false);
        embeddings("video_embeds", true);
        tokens(last);
        return rows;
    }

    /** The pictures' sizes in patches, and so their numbers of tokens. */
    private void grids() {
        if (prompt.media().isEmpty()
                && golden.imageGrids().isEmpty()
                && golden.videoGrids().isEmpty()) {
            return;
        }
        int[] expected = flatten(golden.imageGrids(), golden.videoGrids());
        int[] actual = flatten(grids(false), grids(true));
        rows.add(Comparison.equal(file, golden.name(), "grids", actual, expected));
    }

    private List<int[]> grids(boolean video) {
        return prompt.media().stream()
                .map(MediaSpan::item)
                .filter(item -> item.video() == video)
                .map(item -> new int[] {item.gridT(), item.gridH(), item.gridW()})
                .toList();
    }

    private void positions() {
        String name = golden.name() + ".position_ids";
        if (references.contains(name)) {
            int length = golden.inputIds().length;
            int[] actual = IntStream.range(0, 3 * length)
                    .map(i -> prompt.positions().at(i / length, i % length))
                    .toArray();
            rows.add(Comparison.equal(
                    file,
                    golden.name(),
                    "positions",
                    actual,
                    references.tensor(name).toInts()));
        }
    }

    private void chunks() {
        String name = golden.name() + ".last_logits";
        if (references.contains(name)) {
            rows.add(Comparison.within(
                    file,
                    golden.name(),
                    "logits, chunks of " + CHUNK,
                    run.prefillInChunks(CHUNK),
                    references.tensor(name).toFloats(),
                    Tolerance.LOGITS));
        }
    }

    /** Logits after the prompt's last token. */
    private float[] wholePrompt() {
        int length = golden.inputIds().length;
        String all = golden.name() + ".all_logits";
        String last = golden.name() + ".last_logits";
        if (references.contains(all)) {
            float[] logits = allLogits(length);
            float[] expected = references.tensor(all).toFloats();
            rows.add(Comparison.within(file, golden.name(), "logits", logits, expected, Tolerance.LOGITS));
            return Arrays.copyOfRange(logits, logits.length - vocabulary, logits.length);
        }
        float[] logits = run.prefill(new int[] {length - 1});
        if (references.contains(last)) {
            float[] expected = references.tensor(last).toFloats();
            rows.add(Comparison.within(file, golden.name(), "logits, last", logits, expected, Tolerance.LOGITS));
        }
        return logits;
    }

    /** Logits [length · vocabulary]; the whole prompt is computed again for every slice that the executor can give. */
    private float[] allLogits(int length) {
        float[] logits = new float[Math.multiplyExact(length, vocabulary)];
        for (int from = 0; from < length; from += maxSamples) {
            int[] slice =
                    IntStream.range(from, Math.min(from + maxSamples, length)).toArray();
            System.arraycopy(run.prefill(slice), 0, logits, from * vocabulary, slice.length * vocabulary);
        }
        return logits;
    }

    private void embeddings(String kind, boolean video) {
        String name = golden.name() + "." + kind;
        if (references.contains(name)) {
            float[] expected = references.tensor(name).toFloats();
            rows.add(Comparison.within(
                    file, golden.name(), kind, run.embeddings(video), expected, Tolerance.EMBEDDINGS));
        }
    }

    /** At every step whose margin is wide enough the best token must be the reference's, which is then fed. */
    private void tokens(float[] afterPrompt) {
        int agreed = 0;
        int comparable = 0;
        String note = "";
        float[] logits = afterPrompt;
        for (int step = 0; step < golden.greedyTokens().length; step++) {
            int expected = golden.greedyTokens()[step];
            if (golden.isComparable(step, Tolerance.TOKEN_MARGIN)) {
                comparable++;
                int best = Comparison.argmax(logits, 0, vocabulary);
                agreed += best == expected ? 1 : 0;
                note = best != expected && note.isEmpty()
                        ? "step %d: %d instead of %d".formatted(step, best, expected)
                        : note;
            }
            logits = step + 1 < golden.greedyTokens().length ? run.feed(expected) : logits;
        }
        if (golden.greedyTokens().length > 0) {
            rows.add(CheckRow.allEqual(file, golden.name(), "tokens", agreed, comparable, note));
        }
    }

    private static int[] flatten(List<int[]> images, List<int[]> videos) {
        return IntStream.concat(
                        images.stream().flatMapToInt(Arrays::stream),
                        videos.stream().flatMapToInt(Arrays::stream))
                .toArray();
    }
}
