package dev.millrace.job.check;

import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Compares one case: positions, hidden states where the reference kept them, embeddings, logits of the whole prompt in one step and of its end in chunks, and the
 * reference's tokens fed one by one through the key-value cache.
 */
final class CaseCheck {

    /** Chunks that end within a block and within pictures. */
    private static final int CHUNK = 11;

    private static final String CHUNKS = "logits, chunks of " + CHUNK;

    private final CaseRule rule;
    private final GoldenCase golden;
    private final PreparedPrompt prompt;
    private final SafetensorsFile references;
    private final ModelExecutor executor;
    private final SequenceRun run;
    private final int vocabulary;
    private final int maxSamples;

    /**
     * @param maxSamples most logits rows that the executor gives in a step
     */
    CaseCheck(
            CaseRule rule,
            GoldenCase golden,
            PreparedPrompt prompt,
            SafetensorsFile references,
            ModelExecutor executor,
            int vocabulary,
            int maxSamples) {
        this.rule = rule;
        this.golden = golden;
        this.prompt = prompt;
        this.references = references;
        this.executor = executor;
        this.run = new SequenceRun(executor, prompt);
        this.vocabulary = vocabulary;
        this.maxSamples = maxSamples;
    }

    void run() {
        grids();
        positions();
        new HiddenStatesCheck(golden, references, rule).run(run, executor);
        float[] last = logits();
        embeddings("image_embeds", false);
        embeddings("video_embeds", true);
        tokens(last);
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
        rule.equal("grids", actual, expected);
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
            rule.equal("positions", actual, references.tensor(name).toInts());
        }
    }

    /** Compares what the reference kept: all tokens' logits, those of some, or the last one's, which are returned. */
    private float[] logits() {
        int length = golden.inputIds().length;
        int[] lastOnly = {length - 1};
        if (references.contains(golden.name() + ".all_logits")) {
            return logits("all_logits", IntStream.range(0, length).toArray());
        }
        if (references.contains(golden.name() + ".row_logits")) {
            return logits("row_logits", golden.sampledTokens());
        }
        String name = golden.name() + ".last_logits";
        if (!references.contains(name)) {
            return run.prefill(lastOnly);
        }
        float[] expected = references.tensor(name).toFloats();
        rule.compareOne(
                CHUNKS,
                run.prefillInChunks(CHUNK, lastOnly),
                expected,
                Tolerance.LOGITS,
                rule.pytorch().logits());
        float[] last = run.prefill(lastOnly);
        rule.compareOne(
                "logits, last", last, expected, Tolerance.LOGITS, rule.pytorch().logits());
        return last;
    }

    /** Compares those of some tokens, computed in one step and in chunks; gives the last of them. */
    private float[] logits(String kind, int[] tokens) {
        float[] expected = references.tensor(golden.name() + "." + kind).toFloats();
        float[] chunks = run.prefillInChunks(CHUNK, tokens);
        float[] whole = wholePrompt(tokens);
        rule.compare("logits", whole, expected, Tolerance.LOGITS, rule.pytorch().logits());
        rule.compare(CHUNKS, chunks, expected, Tolerance.LOGITS, rule.pytorch().logits());
        return Arrays.copyOfRange(whole, whole.length - vocabulary, whole.length);
    }

    /** Logits [tokens · vocabulary]; the whole prompt is computed again for every slice that the executor can give. */
    private float[] wholePrompt(int[] tokens) {
        float[] logits = new float[Math.multiplyExact(tokens.length, vocabulary)];
        for (int from = 0; from < tokens.length; from += maxSamples) {
            int[] slice = Arrays.copyOfRange(tokens, from, Math.min(from + maxSamples, tokens.length));
            System.arraycopy(run.prefill(slice), 0, logits, from * vocabulary, slice.length * vocabulary);
        }
        return logits;
    }

    private void embeddings(String kind, boolean video) {
        String name = golden.name() + "." + kind;
        if (references.contains(name)) {
            float[] expected = references.tensor(name).toFloats();
            rule.compare(
                    kind,
                    run.embeddings(video),
                    expected,
                    Tolerance.EMBEDDINGS,
                    rule.pytorch().embeddings());
        }
    }

    /** At every step whose margin is wide enough the best token must be the reference's, which is then fed. */
    private void tokens(float[] afterPrompt) {
        double margin = rule.tokenMargin();
        if (golden.greedyTokens().length == 0 || Double.isNaN(margin)) {
            return;
        }
        int agreed = 0;
        int comparable = 0;
        String note = "";
        float[] logits = afterPrompt;
        for (int step = 0; step < golden.greedyTokens().length; step++) {
            int expected = golden.greedyTokens()[step];
            if (golden.isComparable(step, margin)) {
                comparable++;
                int best = Comparison.argmax(logits, 0, vocabulary);
                agreed += best == expected ? 1 : 0;
                note = best != expected && note.isEmpty()
                        ? "step %d: %d instead of %d".formatted(step, best, expected)
                        : note;
            }
            logits = step + 1 < golden.greedyTokens().length ? run.feed(expected) : logits;
        }
        rule.tokens(agreed, comparable, note);
    }

    private static int[] flatten(List<int[]> images, List<int[]> videos) {
        return IntStream.concat(
                        images.stream().flatMapToInt(Arrays::stream),
                        videos.stream().flatMapToInt(Arrays::stream))
                .toArray();
    }
}
