package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.kernel.GraphTimer;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.SamplingParams;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Measures draws from the 7B model's vocabulary, logits of a spread like a model's. */
public final class SamplerBenchmark {

    private static final int VOCABULARY = 152_064;
    private static final int[] NONE = {};

    private SamplerBenchmark() {}

    /** Prints the time of a draw for each of some numbers of sequences and kinds of parameters. */
    public static void run(Device device, Stream stream, GraphTimer timer, int shrink) {
        int vocabSize = VOCABULARY / shrink;
        for (int sequences : new int[] {1, 64, 256}) {
            int rows = Math.max(1, sequences / shrink);
            try (GpuSampler sampler = new GpuSampler(device, vocabSize, rows, rows);
                    DeviceBuffer logits = device.allocate(4L * rows * vocabSize, "logits");
                    DeviceBuffer inputs = device.allocate(32L * rows, "inputs")) {
                fill(device, stream, logits, rows, vocabSize);
                SampleInputs bound = bind(device, stream, inputs, rows);
                measure("greedy", params(0, 1, 0, 1), sampler, stream, timer, logits, bound);
                measure("greedy, repetition penalty", params(0, 1, 0, 1.05f), sampler, stream, timer, logits, bound);
                measure("seeded", params(1, 1, 0, 1), sampler, stream, timer, logits, bound);
                measure("top-k 20, top-p 0.8", params(0.7f, 0.8f, 20, 1.05f), sampler, stream, timer, logits, bound);
                measure("top-p 0.95", params(1, 0.95f, 0, 1), sampler, stream, timer, logits, bound);
            }
        }
    }

    private static void measure(
            String what,
            SamplingParams params,
            GpuSampler sampler,
            Stream stream,
            GraphTimer timer,
            DeviceBuffer logits,
            SampleInputs inputs) {
        int rows = inputs.samples();
        int vocabSize = (int) (logits.bytes() / 4 / rows);
        int[] prompt = new Random(1).ints(1000, 0, vocabSize).toArray();
        List<RowAssignment> assignments = IntStream.range(0, rows)
                .mapToObj(row -> new RowAssignment(row, params, row, prompt, NONE))
                .toList();
        int[] none = new int[rows];
        sampler.apply(stream, SamplerRig.batch(assignments, none, none, new int[0][], NONE));
        timer.print(
                "draws, %d sequences, %s".formatted(rows, what),
                4.0 * rows * vocabSize,
                i -> sampler.sample(stream, logits, vocabSize, inputs));
    }

    private static SamplingParams params(float temperature, float topP, int topK, float repetitionPenalty) {
        return SamplingParams.builder()
                .temperature(temperature)
                .topP(topP)
                .topK(topK)
                .repetitionPenalty(repetitionPenalty)
                .seed(3)
                .build();
    }

    private static void fill(Device device, Stream stream, DeviceBuffer logits, int rows, int vocabSize) {
        long bytes = 4L * vocabSize;
        try (PinnedBuffer row = device.allocatePinned(bytes, "a row of logits")) {
            Random random = new Random(2);
            for (int i = 0; i < vocabSize; i++) {
                row.bytes().putFloat(4 * i, (float) random.nextGaussian() * 3);
            }
            for (int i = 0; i < rows; i++) {
                stream.copyToDevice(logits, i * bytes, row, 0, bytes);
            }
            stream.synchronize();
        }
    }

    /** Sample i is drawn for row i. */
    private static SampleInputs bind(Device device, Stream stream, DeviceBuffer inputs, int rows) {
        try (PinnedBuffer host = device.allocatePinned(inputs.bytes(), "inputs")) {
            for (int i = 0; i < rows; i++) {
                host.bytes()
                        .putInt(i)
                        .putInt(100)
                        .putInt(0)
                        .putInt(0)
                        .putInt(-1)
                        .putInt(0)
                        .putInt(0)
                        .putInt(0);
            }
            stream.copyToDevice(inputs, 0, host, 0, inputs.bytes());
            stream.synchronize();
        }
        return new SampleInputs(rows, inputs.address(), inputs.address());
    }
}
