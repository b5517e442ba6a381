package dev.millrace.bench;

import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** A model that is loaded to encode one batch of pictures again and again. */
final class LoadedTower implements AutoCloseable {

    private static final int BLOCK_SIZE = 16;
    private static final int BLOCKS = 2;

    private final Floor floor; // null on the CPU
    private final double flops;
    private final List<MediaInput> pictures = new ArrayList<>();
    private final ModelExecutor executor;
    private long encodings;

    /**
     * @param batchSize prompts whose pictures are encoded together
     */
    LoadedTower(BenchOptions options, int batchSize) throws IOException {
        ModelConfig config = ModelConfigReader.read(options.model);
        var prompts = new RandomPrompts(options, config, new Random(options.seed));
        int rows = 0;
        for (int i = 0; i < batchSize; i++) {
            for (MediaSpan span : prompts.next().media()) {
                int end = rows + span.item().numTokens();
                pictures.add(
                        new MediaInput(span.item(), IntStream.range(rows, end).toArray()));
                rows = end;
            }
        }
        flops = batchSize * prompts.mediaFlops();
        floor = Floor.of(options, new ModelCost(config));
        executor = options.device
                .executors()
                .open(
                        options.model,
                        options.executorConfig()
                                .withCache(Cache.ofBlocks(BLOCKS))
                                .withMediaRows(rows),
                        new Limits(BLOCK_SIZE, 1, BLOCK_SIZE));
    }

    /** The least time of the work; null on the CPU. */
    Floor floor() {
        return floor;
    }

    /** Operations of the batch. */
    double flops() {
        return flops;
    }

    /** Encodes the batch; seconds until that was done. */
    double encode() {
        var done = new CompletableFuture<Long>();
        long start = System.nanoTime();
        executor.encode(new EncoderBatch(encodings++, pictures), EncodingListener.completing(done));
        done.join();
        return Timing.seconds(System.nanoTime() - start);
    }

    @Override
    public void close() {
        executor.close();
    }
}
