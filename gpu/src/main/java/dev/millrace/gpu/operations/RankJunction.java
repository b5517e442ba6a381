package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.AllReduce;
import dev.millrace.gpu.kernel.AllReduceNorm;
import dev.millrace.gpu.kernel.GatherColumns;
import dev.millrace.gpu.kernel.RmsNorm;
import dev.millrace.gpu.parallel.RankMemory;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.model.config.ModelConfig.TextConfig;
import java.util.EnumMap;
import java.util.Map;

/**
 * The junction of one of several GPUs that share a model. All of them have the same x and the same logits behind it, so that
 * each draws the same tokens.
 */
public final class RankJunction implements Junction {

    private final RankMemory memory;
    private final Stream stream;
    private final Products products;
    private final RmsNorm norm;
    private final AllReduce allReduce;
    private final AllReduceNorm few;
    private final GatherColumns gather;
    private final Buffers buffers;
    private final int hidden;
    private final int vocabSize;

    /**
     * What lies in the memory that ranks share.
     *
     * @param partial c[T, D] for each turn; zero behind D, because nobody writes the padding
     * @param logits fp32[R, V]
     */
    private record Buffers(Map<Turn, DeviceBuffer> partial, DeviceBuffer logits) {

        static Buffers in(Arena arena, TextConfig config, Type type, StepLimits limits) {
            Map<Turn, DeviceBuffer> partial = new EnumMap<>(Turn.class);
            for (Turn turn : Turn.values()) {
                long values = (long) ProductRows.atLeast(limits.tokens()) * Matrix.padded(config.hiddenSize());
                partial.put(turn, arena.take(values * type.bytes()));
            }
            long logits = (long) ProductRows.atLeast(limits.samples()) * config.vocabSize();
            return new Buffers(partial, arena.take(logits * Float.BYTES));
        }
    }

    /** Bytes of shared memory that it takes. */
    public static long bytes(TextConfig config, Type type, StepLimits limits) {
        Arena measuring = Arena.measuring();
        Buffers.in(measuring, config, type, limits);
        return measuring.peak();
    }

    /** @param kernels on the same stream */
    public RankJunction(
            Device device,
            Stream stream,
            TextConfig config,
            Type type,
            StepLimits limits,
            TextKernels kernels,
            RankMemory memory) {
        this.memory = memory;
        this.stream = stream;
        products = kernels.products();
        norm = kernels.norm();
        few = new AllReduceNorm(device, type, memory, config.rmsNormEps());
        allReduce = new AllReduce(device, type, memory);
        gather = new GatherColumns(device, memory);
        buffers = Buffers.in(new Arena(memory.room()), config, type, limits);
        hidden = config.hiddenSize();
        vocabSize = config.vocabSize();
        stream.fill(memory.room(), 0);
    }

    /** Where the logits of all ranks come together. */
    public DeviceBuffer logits() {
        return buffers.logits();
    }

    @Override
    public void add(Turn turn, Matrix w, DeviceBuffer from, int rows, DeviceBuffer x, int stride) {
        DeviceBuffer partial = buffers.partial().get(turn);
        products.store(w, from, rows, partial, stride);
        if (few.supports(rows, stride)) {
            few.add(stream, partial, rows, stride, x);
        } else {
            allReduce.launch(stream, partial, (long) rows * stride, x);
        }
    }

    @Override
    public void addAndNorm(
            Turn turn,
            Matrix w,
            DeviceBuffer from,
            int rows,
            DeviceBuffer x,
            int stride,
            DeviceBuffer weight,
            DeviceBuffer normed) {
        if (few.supports(rows, stride)) {
            DeviceBuffer partial = buffers.partial().get(turn);
            products.store(w, from, rows, partial, stride);
            few.addAndNorm(stream, partial, rows, stride, x, weight, hidden, normed);
        } else {
            add(turn, w, from, rows, x, stride);
            norm.launch(stream, x, rows, weight, hidden, stride, normed);
        }
    }

    @Override
    public void logits(Matrix head, DeviceBuffer normed, int rows, DeviceBuffer logits) {
        long first = (long) GatherColumns.firstColumn(vocabSize, memory.rank(), memory.ranks()) * Float.BYTES;
        products.storeFloats(head, normed, rows, logits.slice(first, logits.bytes() - first), vocabSize);
        gather.launch(stream, rows, vocabSize, logits);
    }
}
