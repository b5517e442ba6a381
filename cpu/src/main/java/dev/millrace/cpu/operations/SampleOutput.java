package dev.millrace.cpu.operations;

import dev.millrace.cpu.parallel.ThreadTeam;
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
        int samples = batch.numSamples();
        tokens = new int[samples];
        logprobs = wanted(batch) ? new SampleLogprobs[samples] : null;
        logits = batch.returnLogits() ? new float[samples * vocabSize] : null;
        ThreadTeam.Body body = (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                sampleOne(batch, plan, rows, sampler(worker), raw, i, i * stride);
            }
        };
        compute.share(samples, 64L * vocabSize, body);
    }

    /** The answer of the step that was sampled last. */
    StepOutput result(long step, long computeNanos) {
        return new StepOutput(step, tokens, logprobs, logits, computeNanos);
    }

    private void sampleOne(
            ForwardBatch batch, TokenPlan plan, SequenceRows rows, Sampler sampler, float[] raw, int i, int offset) {
        int token = batch.hasTarget(i) ? batch.target()[i] : draw(batch, plan, rows, sampler, raw, i, offset);
        tokens[i] = token;
        if (logprobs != null && batch.numLogprobs()[i] >= 0) {
            Logprobs l = Logprobs.of(raw, offset, vocabSize, token, batch.numLogprobs()[i]);
            logprobs[i] = new SampleLogprobs(l.logprob(), l.rank(), l.topIds(), l.topLogprobs());
        }
        if (logits != null) {
            System.arraycopy(raw, offset, logits, i * vocabSize, vocabSize);
        }
    }

    private static int draw(
            ForwardBatch batch, TokenPlan plan, SequenceRows rows, Sampler sampler, float[] raw, int i, int offset) {
        RowState row = rows.get(batch.sampleRow()[i]);
        int position = plan.indexOf(batch.sampleToken()[i]) + 1;
        int token = sampler.sample(raw, offset, row.context(position, banned(batch, i), batch.allowed(i)));
        row.sampled(token);
        return token;
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
