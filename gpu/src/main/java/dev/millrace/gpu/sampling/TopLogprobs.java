package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.sampling.Logprobs;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Log-probabilities of the samples that ask for them, as {@code model.sampling.Logprobs} has them, made on the device. More
 * than {@link #MOST} likeliest tokens of a sample are rarer than they are large: for those the raw logits are fetched and
 * the host, which waits for them, sorts. Used by one thread, save {@link #read}.
 */
public final class TopLogprobs implements AutoCloseable {

    /** The most likeliest tokens of a sample that the device selects. */
    public static final int MOST = 1024;

    private static final int WANTED_INTS = 4;
    private static final int FIXED_INTS = 2;

    private final int vocabSize;
    private final DeviceBuffer memory;
    private final DeviceBuffer wanted;
    private final DeviceBuffer answers;
    private final LogprobKernels kernels;
    private final PinnedBuffer fetched; // one row of logits, then all tokens
    private final Slot[] slots;

    /** What one step in flight holds on the host. */
    private static final class Slot {
        private PinnedBuffer wanted;
        private PinnedBuffer answers;
        private SampleLogprobs[] sorted;
    }

    /**
     * @param maxSamples most samples in a step
     * @param slots steps whose answers are not yet read
     */
    public TopLogprobs(Device device, int vocabSize, int maxSamples, int slots) {
        this.vocabSize = vocabSize;
        memory = device.allocate(bytes(vocabSize, maxSamples), "log-probabilities");
        Arena arena = new Arena(memory);
        wanted = arena.take(wantedBytes(maxSamples));
        answers = arena.take(answerBytes(vocabSize, maxSamples));
        kernels = new LogprobKernels(device, arena, vocabSize, maxSamples);
        fetched = device.allocatePinned((long) vocabSize * Float.BYTES, "a row of logits");
        this.slots = new Slot[slots];
        for (int i = 0; i < slots; i++) {
            Slot slot = new Slot();
            slot.wanted = device.allocatePinned(wanted.bytes(), "samples that ask for log-probabilities");
            slot.answers = device.allocatePinned(answers.bytes(), "log-probabilities");
            this.slots[i] = slot;
        }
        try (Stream stream = device.newStream()) {
            stream.fill(memory, 0);
            stream.synchronize();
        }
    }

    /** Device memory that this takes. */
    public static long bytes(int vocabSize, int maxSamples) {
        Arena arena = Arena.measuring();
        arena.take(wantedBytes(maxSamples));
        arena.take(answerBytes(vocabSize, maxSamples));
        LogprobKernels.take(arena, vocabSize, maxSamples);
        return arena.peak();
    }

    private static long wantedBytes(int maxSamples) {
        return (long) maxSamples * WANTED_INTS * Integer.BYTES;
    }

    private static long answerBytes(int vocabSize, int maxSamples) {
        return (long) maxSamples * (FIXED_INTS + 2 * Math.min(MOST, vocabSize)) * Integer.BYTES;
    }

    /** Whether any sample of a step asks. */
    public static boolean isWanted(ForwardBatch batch) {
        for (int count : batch.numLogprobs()) {
            if (count >= 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Begins to make a step's log-probabilities; {@link #read} has them once the stream has come this far.
     *
     * @param logits f32[R, stride], raw
     * @param tokens int32[R], drawn from them
     * @param slot which the answers of no other step still lie in
     */
    public void launch(
            Stream stream, ForwardBatch batch, DeviceBuffer logits, int stride, DeviceBuffer tokens, int slot) {
        Slot at = slots[slot];
        at.sorted = new SampleLogprobs[batch.numSamples()];
        IntBuffer asked = at.wanted.bytes().asIntBuffer();
        int start = 0;
        for (int i = 0; i < batch.numSamples(); i++) {
            int count = Math.min(batch.numLogprobs()[i], vocabSize);
            if (count > MOST) {
                at.sorted[i] = sort(
                        stream, batch, logits.slice((long) i * stride * Float.BYTES, rowBytes()), tokens, i, count);
            } else if (count >= 0) {
                asked.put(i).put(count).put(start).put(batch.target()[i]);
                start += FIXED_INTS + 2 * count;
            }
        }
        int samples = asked.position() / WANTED_INTS;
        if (samples > 0) {
            stream.copyToDevice(wanted, 0, at.wanted, 0, (long) asked.position() * Integer.BYTES);
            kernels.launch(stream, logits, stride, tokens, wanted, samples, answers);
            stream.copyToHost(at.answers, 0, answers, 0, (long) start * Integer.BYTES);
        }
    }

    private long rowBytes() {
        return (long) vocabSize * Float.BYTES;
    }

    private SampleLogprobs sort(
            Stream stream, ForwardBatch batch, DeviceBuffer row, DeviceBuffer tokens, int sample, int count) {
        stream.copyToHost(fetched, 0, tokens, (long) sample * Integer.BYTES, Integer.BYTES);
        stream.synchronize();
        int token = batch.hasTarget(sample)
                ? batch.target()[sample]
                : fetched.bytes().getInt(0);
        stream.copyToHost(fetched, 0, row, 0, rowBytes());
        stream.synchronize();
        float[] logits = new float[vocabSize];
        fetched.bytes().asFloatBuffer().get(logits);
        Logprobs all = Logprobs.of(logits, 0, vocabSize, token, count);
        return new SampleLogprobs(all.logprob(), all.rank(), all.topIds(), all.topLogprobs());
    }

    /** [R] the step's log-probabilities, null where none were asked for. */
    public SampleLogprobs[] read(ForwardBatch batch, int slot) {
        Slot at = slots[slot];
        SampleLogprobs[] all = at.sorted;
        IntBuffer ints = at.answers.bytes().asIntBuffer();
        FloatBuffer floats = at.answers.bytes().asFloatBuffer();
        int start = 0;
        for (int i = 0; i < all.length; i++) {
            int count = Math.min(batch.numLogprobs()[i], vocabSize);
            if (count >= 0 && count <= MOST) {
                int[] ids = new int[count];
                float[] logprobs = new float[count];
                ints.get(start + FIXED_INTS, ids);
                floats.get(start + FIXED_INTS + count, logprobs);
                all[i] = new SampleLogprobs(floats.get(start), ints.get(start + 1), ids, logprobs);
                start += FIXED_INTS + 2 * count;
            }
        }
        return all;
    }

    @Override
    public void close() {
        for (Slot slot : slots) {
            slot.wanted.close();
            slot.answers.close();
        }
        fetched.close();
        memory.close();
    }
}
