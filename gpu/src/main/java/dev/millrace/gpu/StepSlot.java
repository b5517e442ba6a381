package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.sampling.TopLogprobs;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.stream.IntStream;

/** What one step in flight has of its own: its number among the staging buffers, when it ran, and its results on the host. */
final class StepSlot {

    private static final double NANOS_IN_MILLI = 1e6;

    private final int index;
    private final int vocabSize;
    private final Event started;
    private final Event done;
    private final DeviceBuffer sampled;
    private final DeviceBuffer allLogits;
    private final TopLogprobs logprobs;
    private final PinnedBuffer tokens;
    private final IntBuffer tokenView;
    private final DeviceBuffer ids;
    private final PinnedBuffer drafted;
    private ByteBuffer logits; // as large as the largest that was asked for

    /**
     * @param sampled int32[R], where the device leaves a step's tokens
     * @param allLogits fp32[R, V], where it leaves their logits
     * @param ids int32[T, ..], its tokens, drafts that it made among them
     * @param maxDrafted tokens of the longest step that makes drafts
     */
    StepSlot(
            Device device,
            int index,
            int maxSamples,
            int vocabSize,
            DeviceBuffer sampled,
            DeviceBuffer allLogits,
            TopLogprobs logprobs,
            DeviceBuffer ids,
            int maxDrafted) {
        this.sampled = sampled;
        this.allLogits = allLogits;
        this.logprobs = logprobs;
        this.index = index;
        this.vocabSize = vocabSize;
        started = device.newTimingEvent();
        done = device.newTimingEvent();
        tokens = device.allocatePinned((long) maxSamples * Integer.BYTES, "sampled tokens");
        tokenView = tokens.bytes().asIntBuffer();
        this.ids = ids;
        drafted = device.allocatePinned((long) Math.max(1, maxDrafted) * Integer.BYTES, "drafts");
    }

    int index() {
        return index;
    }

    void start(Stream stream) {
        stream.record(started);
    }

    /** Has what the step asked for copied to the host behind its work, and waits for it where that is all logits. */
    void finish(Stream stream, ForwardBatch batch) {
        int samples = batch.numSamples();
        if (samples > 0) {
            stream.copyToHost(tokens, 0, sampled, 0, (long) samples * Integer.BYTES);
        }
        if (batch.draft() != null) {
            stream.copyToHost(drafted, 0, ids, 0, (long) batch.numTokens() * Integer.BYTES);
        }
        if (TopLogprobs.isWanted(batch)) {
            logprobs.launch(stream, batch, allLogits, vocabSize, sampled, index);
        }
        if (batch.returnLogits() && samples > 0) {
            long bytes = (long) samples * vocabSize * Float.BYTES;
            reserveLogits(bytes);
            stream.copyToHost(logits, allLogits, 0, bytes);
        }
        stream.record(done);
    }

    /** Waits for the step. */
    StepOutput output(ForwardBatch batch) {
        done.synchronize();
        int samples = batch.numSamples();
        int[] drawn = new int[samples];
        tokenView.get(0, drawn);
        float[] raw = null;
        if (batch.returnLogits()) {
            raw = new float[samples * vocabSize];
            if (samples > 0) {
                logits.asFloatBuffer().get(0, raw);
            }
        }
        SampleLogprobs[] asked = TopLogprobs.isWanted(batch) ? logprobs.read(batch, index) : null;
        long nanos = (long) (done.millisSince(started) * NANOS_IN_MILLI);
        return new StepOutput(batch.step(), drawn, asked, raw, drafts(batch), nanos);
    }

    private int[] drafts(ForwardBatch batch) {
        if (batch.draft() == null) {
            return null;
        }
        IntBuffer all = drafted.bytes().asIntBuffer();
        return IntStream.range(0, batch.numTokens())
                .filter(t -> batch.ids()[t] == ForwardBatch.DRAFTED)
                .map(all::get)
                .toArray();
    }

    private void reserveLogits(long bytes) {
        if (logits == null || logits.capacity() < bytes) {
            logits = ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
