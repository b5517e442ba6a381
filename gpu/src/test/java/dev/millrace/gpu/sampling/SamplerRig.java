package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A sampler fed with logits from the host, a sequence of one token for each sample. */
final class SamplerRig implements AutoCloseable {

    private static final int POISON = 0xFF;

    final Device device = Device.open(0);
    final Stream stream = device.newStream();
    final GpuSampler sampler;
    final TopLogprobs logprobs;
    final int vocabSize;
    final int stride;
    final int rows;
    final DeviceBuffer logits;
    final DeviceBuffer inputs;
    private final PinnedBuffer host;

    SamplerRig(int vocabSize, int stride, int rows) {
        this.vocabSize = vocabSize;
        this.stride = stride;
        this.rows = rows;
        sampler = new GpuSampler(device, vocabSize, rows, rows);
        logprobs = new TopLogprobs(device, vocabSize, rows, 1);
        logits = device.allocate((long) rows * stride * Float.BYTES, "logits");
        inputs = device.allocate(10L * (rows + 1) * Integer.BYTES, "inputs");
        host = device.allocatePinned(Math.max(logits.bytes(), inputs.bytes()), "host");
    }

    /** One step: the tokens drawn for the rows at the positions, from logits[R][V]. */
    int[] draw(List<RowAssignment> assignments, int[] sampleRows, int[] positions, float[][] values, int[][] banned) {
        ForwardBatch batch = batch(assignments, sampleRows, positions, banned, new int[0]);
        sampler.apply(stream, batch);
        upload(values);
        SampleInputs bound = upload(sampleRows, positions);
        stream.fill(sampler.tokens(), POISON);
        sampler.sample(stream, logits, stride, bound);
        return tokens(sampleRows.length);
    }

    /** One step in which each sample may choose only what its mask has, or anything where that is null. */
    int[] draw(int[] sampleRows, int[] positions, float[][] values, int[][] allowed) {
        int samples = sampleRows.length;
        ForwardBatch batch = batch(List.of(), sampleRows, drawn(samples), positions, new int[0][], new int[0], allowed);
        sampler.apply(stream, batch);
        upload(values);
        int[] none = new int[samples];
        int[] after = IntStream.range(0, samples).toArray();
        SampleInputs bound = upload(sampleRows, positions, none, after, none, numbered(allowed));
        sampler.sample(stream, logits, stride, bound);
        return tokens(samples);
    }

    /** Numbers of masks in the order of their samples, shared ones once; −1: none. */
    private static int[] numbered(int[][] masks) {
        int[] numbers = new int[masks.length];
        int next = 0;
        for (int i = 0; i < masks.length; i++) {
            numbers[i] = masks[i] == null ? -1 : next++;
            for (int before = 0; before < i; before++) {
                if (masks[i] != null && masks[before] == masks[i]) {
                    numbers[i] = numbers[before];
                    next--;
                    break;
                }
            }
        }
        return numbers;
    }

    /** The log-probabilities of tokens under logits[R][V]. */
    SampleLogprobs[] logprobs(int[] tokens, int[] counts, float[][] values) {
        return logprobs(tokens, drawn(tokens.length), counts, values);
    }

    /** The log-probabilities of the targets, where there are any, else of the tokens. */
    SampleLogprobs[] logprobs(int[] tokens, int[] targets, int[] counts, float[][] values) {
        int[] rows = new int[tokens.length];
        ForwardBatch batch = batch(List.of(), rows, targets, tokens, new int[0][], counts, new int[0][]);
        upload(values);
        host.bytes().asIntBuffer().put(tokens);
        stream.copyToDevice(inputs, 0, host, 0, (long) tokens.length * Integer.BYTES);
        logprobs.launch(stream, batch, logits, stride, inputs, 0);
        stream.synchronize();
        return logprobs.read(batch, 0);
    }

    void upload(float[][] values) {
        stream.fill(logits, POISON);
        for (int i = 0; i < values.length; i++) {
            host.bytes().asFloatBuffer().put(0, values[i]);
            stream.copyToDevice(
                    logits, (long) i * stride * Float.BYTES, host, 0, (long) values[i].length * Float.BYTES);
            stream.synchronize();
        }
    }

    /** Samples without drafts before them. */
    SampleInputs upload(int[] sampleRows, int[] positions) {
        return upload(sampleRows, positions, new int[sampleRows.length], new int[sampleRows.length]);
    }

    /** Sample i comes after token i of the step, and so many tokens up to that one are drafts. */
    SampleInputs upload(int[] sampleRows, int[] positions, int[] drafts, int[] stepIds) {
        int[] after = IntStream.range(0, sampleRows.length).toArray();
        return upload(sampleRows, positions, drafts, after, stepIds);
    }

    /** The same after any tokens of the step. */
    SampleInputs upload(int[] sampleRows, int[] positions, int[] drafts, int[] after, int[] stepIds) {
        int[] noMasks = new int[sampleRows.length];
        Arrays.fill(noMasks, -1);
        return upload(sampleRows, positions, drafts, after, stepIds, noMasks);
    }

    private SampleInputs upload(
            int[] sampleRows, int[] positions, int[] drafts, int[] after, int[] stepIds, int[] masks) {
        int samples = sampleRows.length;
        IntBuffer to = host.bytes().asIntBuffer();
        for (int i = 0; i < samples; i++) {
            to.put(sampleRows[i])
                    .put(positions[i])
                    .put(after[i] + 1 - drafts[i])
                    .put(drafts[i])
                    .put(masks[i])
                    .put(new int[3]);
        }
        to.put(stepIds);
        stream.copyToDevice(inputs, 0, host, 0, (long) to.position() * Integer.BYTES);
        stream.synchronize();
        return new SampleInputs(samples, inputs.address(), inputs.address() + 32L * samples);
    }

    /** Rows taken over in a step without samples. */
    void assign(List<RowAssignment> assignments) {
        sampler.apply(stream, batch(assignments, new int[0], new int[0], new int[0][], new int[0]));
    }

    /** The step's first ids. */
    int[] ids(SampleInputs of, int count) {
        int offset = Math.toIntExact(of.stepIds() - inputs.address());
        return ints(inputs.slice(offset, 4L * count), count);
    }

    int[] tokens(int count) {
        return ints(sampler.tokens(), count);
    }

    int[] ints(DeviceBuffer buffer, int count) {
        stream.copyToHost(host, 0, buffer, 0, (long) count * Integer.BYTES);
        stream.synchronize();
        int[] values = new int[count];
        host.bytes().asIntBuffer().get(values);
        return values;
    }

    /** The raw logits as they now lie on the device. */
    float[] logitsOf(int sample) {
        stream.copyToHost(host, 0, logits, (long) sample * stride * Float.BYTES, (long) vocabSize * Float.BYTES);
        stream.synchronize();
        float[] values = new float[vocabSize];
        host.bytes().asFloatBuffer().get(values);
        return values;
    }

    private static int[] drawn(int samples) {
        int[] drawn = new int[samples];
        Arrays.fill(drawn, ForwardBatch.DRAWN);
        return drawn;
    }

    static ForwardBatch batch(
            List<RowAssignment> assignments, int[] sampleRows, int[] positions, int[][] banned, int[] counts) {
        return batch(assignments, sampleRows, drawn(sampleRows.length), positions, banned, counts, new int[0][]);
    }

    private static ForwardBatch batch(
            List<RowAssignment> assignments,
            int[] sampleRows,
            int[] targets,
            int[] positions,
            int[][] banned,
            int[] counts,
            int[][] allowed) {
        int samples = sampleRows.length;
        int[] none = new int[0];
        int[] offsets = banned.length == 0 ? none : new int[samples + 1];
        int[] all = none;
        for (int i = 0; i < banned.length; i++) {
            offsets[i + 1] = offsets[i] + banned[i].length;
            all = Arrays.copyOf(all, offsets[i + 1]);
            System.arraycopy(banned[i], 0, all, offsets[i], banned[i].length);
        }
        return new ForwardBatch(
                0,
                new int[samples],
                none,
                none,
                none,
                positions,
                sampleRows,
                new int[samples],
                sampleRows,
                targets,
                counts,
                offsets,
                all,
                allowed,
                none,
                none,
                assignments,
                false,
                null);
    }

    @Override
    public void close() {
        device.close();
    }
}
