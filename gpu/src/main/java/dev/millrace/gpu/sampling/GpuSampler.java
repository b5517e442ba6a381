package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.sampling.RowCommands.Kind;
import dev.millrace.gpu.step.StepMasks;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.SamplingParams;

/**
 * Draws tokens on the device as {@code model.sampling.Sampler} does, and keeps what the draws depend on there. A step calls
 * {@link #apply} first, outside of any captured graph; then, once its logits are there, {@link #sample}, which may be
 * captured; then {@link TopLogprobs} where it asks for log-probabilities, again outside. All on one stream, by one thread.
 */
public final class GpuSampler implements AutoCloseable {

    /** The largest vocabulary: a token's id has 22 bits beside its logit, and the sums of masses 2^18 summands. */
    public static final int MAX_VOCABULARY = 1 << 18;

    private final DeviceBuffer memory;
    private final RowState rows;
    private final RowCommands commands;
    private final AllowedMasks masks;
    private final DrawKernels draw;
    private final DeviceBuffer tokens;
    private final int maxSamples;

    /**
     * @param rows of per-sequence state; one more, the dummy row, has this index
     * @param maxSamples most samples in a step
     */
    public GpuSampler(Device device, int vocabSize, int rows, int maxSamples) {
        if (vocabSize > MAX_VOCABULARY) {
            throw new IllegalArgumentException(
                    "a vocabulary of " + vocabSize + " tokens; the GPU's sampler has room for " + MAX_VOCABULARY);
        }
        this.maxSamples = maxSamples;
        memory = device.allocate(bytes(vocabSize, rows, maxSamples), "the sampler's state");
        Arena arena = new Arena(memory);
        this.rows = new RowState(arena, rows, vocabSize);
        SampleScratch scratch = new SampleScratch(arena, maxSamples, vocabSize);
        tokens = takeTokens(arena, maxSamples);
        commands = new RowCommands(device, arena, this.rows);
        masks = new AllowedMasks(device, arena, vocabSize, maxSamples);
        draw = new DrawKernels(device, this.rows, scratch, masks.device());
        try (Stream stream = device.newStream()) {
            stream.fill(memory, 0);
            stream.synchronize();
        }
    }

    /** Device memory that a sampler takes; at 152,064 tokens 1.3 MB a row and 80 KB a sample. */
    public static long bytes(int vocabSize, int rows, int maxSamples) {
        Arena arena = Arena.measuring();
        new RowState(arena, rows, vocabSize);
        new SampleScratch(arena, maxSamples, vocabSize);
        takeTokens(arena, maxSamples);
        RowCommands.take(arena);
        AllowedMasks.take(arena, vocabSize, maxSamples);
        return arena.peak();
    }

    private static DeviceBuffer takeTokens(Arena arena, int maxSamples) {
        return arena.take((long) maxSamples * Integer.BYTES);
    }

    /** int32[rows+1]: the token that each row sampled last; the dummy row's is 0. */
    public DeviceBuffer lastTokens() {
        return rows.lastTokens();
    }

    /** int32[maxSamples]: the tokens of the latest step's samples. */
    public DeviceBuffer tokens() {
        return tokens;
    }

    /** Gives rows to sequences and tells of tokens that this step's draws alone may not choose, or must choose from. */
    public void apply(Stream stream, ForwardBatch batch) {
        for (RowAssignment assignment : batch.assignments()) {
            commands.add(stream, assignment.row(), Kind.RESET, RowFields.of(assignment, rows.vocabSize()));
        }
        commands.flush(stream);
        for (RowAssignment assignment : batch.assignments()) {
            fill(stream, assignment);
        }
        int[] offsets = batch.bannedOffsets();
        for (int i = 0; i + 1 < offsets.length; i++) {
            commands.add(stream, batch.sampleRow()[i], Kind.BAN_ONCE, batch.banned(), offsets[i], offsets[i + 1]);
        }
        commands.flush(stream);
        masks.upload(stream, StepMasks.of(batch).masks());
    }

    private void fill(Stream stream, RowAssignment assignment) {
        int row = assignment.row();
        SamplingParams params = assignment.params();
        if (params.hasPenalties()) {
            Kind outputs = RowFields.isCounted(params) ? Kind.OUTPUT : Kind.PROMPT;
            commands.add(stream, row, Kind.PROMPT, assignment.promptIds());
            commands.add(stream, row, outputs, assignment.outputIds());
        }
        if (params.allowedIds() != null) {
            commands.add(stream, row, Kind.ALLOW, params.allowedIds());
        }
        commands.add(stream, row, Kind.BAN, params.bannedIds());
        if (params.minTokens() > 0) {
            commands.add(stream, row, Kind.STOP_AT, params.stopIds());
        }
        commands.addBiases(stream, row, params.biasIds(), params.biasValues());
    }

    /**
     * tokens[R] ← a draw for each sample, which becomes its row's last token; where a row's samples verify drafts, once
     * {@link #accept} was called, too.
     *
     * @param logits f32[R, stride], left as they are; 16-byte aligned rows are read fastest
     */
    public void sample(Stream stream, DeviceBuffer logits, int stride, SampleInputs inputs) {
        check(logits, stride, inputs);
        draw.draw(stream, logits, stride, inputs, tokens);
    }

    /** Leaves in the rows' state what was accepted of the drafts among the step's ids, and the token behind it. */
    public void accept(Stream stream, SampleInputs inputs) {
        draw.accept(stream, inputs, tokens);
    }

    /**
     * The step's ids behind the samples' drafts ← a draft each, drawn as a sample there would be. Rows stay as they are.
     *
     * @param lastTokens i[rows+1], each row's latest draft
     */
    public void draft(Stream stream, DeviceBuffer logits, int stride, SampleInputs inputs, DeviceBuffer lastTokens) {
        check(logits, stride, inputs);
        draw.draft(stream, logits, stride, inputs, tokens, lastTokens);
    }

    private void check(DeviceBuffer logits, int stride, SampleInputs inputs) {
        if (inputs.samples() > maxSamples) {
            throw new IllegalArgumentException(
                    inputs.samples() + " samples in a step; the sampler has room for " + maxSamples);
        }
        if (stride < rows.vocabSize() || logits.bytes() < (long) inputs.samples() * stride * Float.BYTES) {
            throw new IllegalArgumentException("logits of " + inputs.samples() + " samples, " + stride
                    + " apart, of a vocabulary of " + rows.vocabSize() + " do not fit " + logits);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
