package dev.millrace.job.check;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * One sequence's way through an executor, step by step and by raw logits: it has row 0 and blocks 1, 2, … in order. Tokens
 * are fed, never sampled ones. Media embeddings lie in the media buffer in the order of the placeholders.
 */
final class SequenceRun {

    private static final int[] NONE = {};

    private final ModelExecutor executor;
    private final PreparedPrompt prompt;
    private final int[] mediaRow;
    private int computed;
    private long steps;
    private long encodings;

    SequenceRun(ModelExecutor executor, PreparedPrompt prompt) {
        this.executor = executor;
        this.prompt = prompt;
        this.mediaRow = mediaRows(prompt);
    }

    /** Starts anew, and computes the whole prompt in one step; logits [samples.length · vocabulary] after those tokens. */
    float[] prefill(int[] samples) {
        return prefill(prompt.tokenIds().length, samples);
    }

    /** Starts anew, and computes the prompt in steps of {@code chunk} tokens; logits as in {@link #prefill(int[])}. */
    float[] prefillInChunks(int chunk, int[] samples) {
        return prefill(chunk, samples);
    }

    /** Feeds the next token; logits [vocabulary] after it. */
    float[] feed(int token) {
        return step(new int[] {token}, new int[] {0}, 1);
    }

    /** Embeddings [placeholders of that kind · hidden], in the order of the placeholders. */
    float[] embeddings(boolean video) {
        int[] rows = prompt.media().stream()
                .filter(span -> span.item().video() == video)
                .flatMapToInt(span -> IntStream.range(span.start(), span.end()))
                .map(token -> mediaRow[token])
                .toArray();
        return executor.readMedia(rows);
    }

    private float[] prefill(int chunk, int[] samples) {
        int[] ids = prompt.tokenIds();
        computed = 0;
        float[] logits = {};
        for (int from = 0; from < ids.length; from += chunk) {
            int start = from;
            int end = Math.min(from + chunk, ids.length);
            int[] inChunk = Arrays.stream(samples)
                    .filter(i -> i >= start && i < end)
                    .map(i -> i - start)
                    .toArray();
            float[] more = step(Arrays.copyOfRange(ids, start, end), inChunk, Math.min(chunk, samples.length));
            logits = append(logits, more);
        }
        return logits;
    }

    private static float[] append(float[] before, float[] more) {
        if (more == null || more.length == 0) {
            return before;
        }
        float[] both = Arrays.copyOf(before, before.length + more.length);
        System.arraycopy(more, 0, both, before.length, more.length);
        return both;
    }

    /** @param rows that the sequence takes over if it starts, so that as many tokens can be sampled in a step */
    private float[] step(int[] ids, int[] samples, int rows) {
        int[] positions = new int[3 * ids.length];
        int[] media = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            int index = computed + i;
            media[i] = index < mediaRow.length ? mediaRow[index] : -1;
            for (int axis = 0; axis < 3; axis++) {
                positions[axis * ids.length + i] = prompt.positions().at(axis, index);
            }
        }
        boolean first = computed == 0;
        if (first && !prompt.media().isEmpty()) {
            encode();
        }
        int length = computed + ids.length;
        int[] noLogprobs = new int[samples.length];
        Arrays.fill(noLogprobs, -1);
        var batch = new ForwardBatch(
                steps++,
                ids,
                media,
                positions,
                new int[] {0, ids.length},
                new int[] {length},
                new int[] {0},
                samples,
                IntStream.range(0, samples.length).toArray(),
                noLogprobs,
                NONE,
                NONE,
                newBlocks(length),
                NONE,
                first ? assignments(Math.max(1, rows)) : List.of(),
                samples.length > 0);
        computed = length;
        return launch(batch).logits();
    }

    private StepOutput launch(ForwardBatch batch) {
        var done = new CompletableFuture<StepOutput>();
        executor.launch(batch, new StepListener() {
            @Override
            public void completed(StepOutput output) {
                done.complete(output);
            }

            @Override
            public void failed(long step, Throwable cause) {
                done.completeExceptionally(cause);
            }
        });
        return done.join();
    }

    private void encode() {
        var done = new CompletableFuture<Long>();
        executor.encode(new EncoderBatch(encodings++, mediaInputs()), EncodingListener.completing(done));
        done.join();
    }

    /** Table entries for the blocks that the next tokens enter: block i + 1 at index i. */
    private int[] newBlocks(int length) {
        int size = executor.blockSize();
        int from = (computed + size - 1) / size;
        int to = (length + size - 1) / size;
        return IntStream.range(from, to).flatMap(i -> IntStream.of(0, i, i + 1)).toArray();
    }

    private List<RowAssignment> assignments(int rows) {
        return IntStream.range(0, rows)
                .mapToObj(row -> new RowAssignment(row, SamplingParams.greedy(), 0, prompt.tokenIds(), NONE))
                .toList();
    }

    private List<MediaInput> mediaInputs() {
        List<MediaInput> inputs = new ArrayList<>();
        for (MediaSpan span : prompt.media()) {
            inputs.add(new MediaInput(span.item(), Arrays.copyOfRange(mediaRow, span.start(), span.end())));
        }
        return inputs;
    }

    private static int[] mediaRows(PreparedPrompt prompt) {
        int[] rows = new int[prompt.tokenIds().length];
        Arrays.fill(rows, -1);
        int next = 0;
        for (MediaSpan span : prompt.media()) {
            for (int i = span.start(); i < span.end(); i++) {
                rows[i] = next++;
            }
        }
        return rows;
    }
}
