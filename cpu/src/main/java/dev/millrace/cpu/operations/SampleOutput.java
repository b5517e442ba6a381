package dev.millrace.cpu.operations;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.sampling.Logprobs;
import dev.millrace.model.sampling.Sampler;
import java.util.Arrays;

/** Draws a step's tokens from its logits, or finds a given token's log-probability, and gathers what the step answers. */
final class SampleOutput {

    private static final int[] NOTHING_BANNED = {};

    private final int vocabSize;
    private final Sampler[] samplers;
    private ForwardBatch batch; // these five are of the step at hand
    private TokenPlan plan;
    private SequenceRows rows;
    private float[] raw;
    private int stride;
    private int[] tokens;
    private SampleLogprobs[] logprobs;
    private float[] logits;

    SampleOutput(int vocabSize, int threads) {
        this.vocabSize = vocabSize;
        this.samplers = new Sampler[threads];
    }

    /**
     * Draws the tokens and tells their rows.
     *
     * @param raw [R, stride] logits, left as they are
     */
    void sample(ForwardBatch batch, TokenPlan plan, SequenceRows rows, Compute compute, float[] raw, int stride) {
        this.batch = batch;
        this.plan = plan;
        this.rows = rows;
        this.raw = raw;
        this.stride = stride;
        int samples = batch.numSamples();
        tokens = new int[samples];
        logprobs = wanted(batch) ? new SampleLogprobs[samples] : null;
        logits = batch.returnLogits() ? new float[samples * vocabSize] : null;
        compute.share(samples, 64L * vocabSize, (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                if (!batch.isAfterDraft(i)) {
                    sampleRow(sampler(worker), i);
                }
            }
        });
    }

    /** The answer of the step that was sampled last. */
    StepOutput result(long step, int[] drafts, long computeNanos) {
        return new StepOutput(step, tokens, logprobs, logits, drafts, computeNanos);
    }

    /** The tokens that were sampled last. */
    int[] tokens() {
        return tokens;
    }

    private void sampleRow(Sampler sampler, int first) {
        if (batch.hasTarget(first)) {
            answer(first, batch.target()[first]);
        } else {
            draw(sampler, rows.get(batch.sampleRow()[first]), first);
        }
    }

    /** Draws a row's tokens as if all drafts were right, then tells the row which were. */
    private void draw(Sampler sampler, RowState row, int first) {
        drawOne(sampler, row, first);
        int end = first + 1;
        while (end < tokens.length && batch.isAfterDraft(end)) {
            row.sampled(draft(end));
            drawOne(sampler, row, end++);
        }
        for (int i = first + 1; i < end; i++) {
            row.retract(draft(i));
        }
        int accepted = first;
        row.sampled(tokens[accepted]);
        while (accepted + 1 < end && tokens[accepted] == draft(accepted + 1)) {
            row.sampled(tokens[++accepted]);
        }
    }

    /** The draft that a sample follows. */
    private int draft(int sample) {
        return batch.ids()[batch.sampleToken()[sample]];
    }

    private void drawOne(Sampler sampler, RowState row, int i) {
        int position = plan.indexOf(batch.sampleToken()[i]) + 1;
        answer(i, sampler.sample(raw, i * stride, row.context(position, banned(batch, i), batch.allowed(i))));
    }

    private void answer(int i, int token) {
        tokens[i] = token;
        if (logprobs != null && batch.numLogprobs()[i] >= 0) {
            Logprobs l = Logprobs.of(raw, i * stride, vocabSize, token, batch.numLogprobs()[i]);
            logprobs[i] = new SampleLogprobs(l.logprob(), l.rank(), l.topIds(), l.topLogprobs());
        }
        if (logits != null) {
            System.arraycopy(raw, i * stride, logits, i * vocabSize, vocabSize);
        }
    }

    private Sampler sampler(int worker) {
        if (samplers[worker] == null) {
            samplers[worker] = new Sampler(vocabSize);
        }
        return samplers[worker];
    }

    private static boolean wanted(ForwardBatch batch) {
        for (int count : batch.numLogprobs()) {
            if (count >= 0) {
                return true;
            }
        }
        return false;
    }

    private static int[] banned(ForwardBatch batch, int sample) {
        int[] offsets = batch.bannedOffsets();
        return offsets.length == 0
                ? NOTHING_BANNED
                : Arrays.copyOfRange(batch.banned(), offsets[sample], offsets[sample + 1]);
    }
}
