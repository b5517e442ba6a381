package dev.millrace.gpu.kernel;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A step of sequences with blocks in disorder, staged on a device, for tests of the kernels that follow a block table.
 * Each sequence has so many queries at the end of so long a context.
 */
final class PagedStep {

    private static final int[] NONE = {};
    private static final int BLOCK = CacheShape.BLOCK_TOKENS;

    final int[] queries;
    final int[] contexts;
    final int[] cuQ;
    final int[] rows;
    final int[][] blocks;
    final int[] positions;
    final int numBlocks;
    final ForwardBatch batch;
    final StepInputs inputs;
    final Derived derived;

    /** @param ids [T], or null for the tokens' numbers */
    PagedStep(TestDevice test, int headDim, Randoms randoms, int[] ids, int[] queries, int[] contexts) {
        this.queries = queries;
        this.contexts = contexts;
        int count = queries.length;
        cuQ = new int[count + 1];
        for (int s = 0; s < count; s++) {
            cuQ[s + 1] = cuQ[s] + queries[s];
        }
        int tokens = cuQ[count];
        rows = randoms.permutation(count);
        numBlocks = 1 + Arrays.stream(contexts).map(PagedStep::blocksOf).sum();
        int[] order = randoms.permutation(numBlocks - 1);
        blocks = new int[count][];
        List<Integer> updates = new ArrayList<>();
        for (int s = 0, next = 0; s < count; s++) {
            blocks[s] = new int[blocksOf(contexts[s])];
            for (int i = 0; i < blocks[s].length; i++) {
                blocks[s][i] = 1 + order[next++];
                updates.addAll(List.of(rows[s], i, blocks[s][i]));
            }
        }
        positions = new int[3 * tokens];
        Arrays.setAll(positions, i -> randoms.between(0, 40_000));
        int[] known = ids != null ? ids : new int[tokens];
        int[] noMedia = new int[tokens];
        Arrays.fill(noMedia, -1);
        batch = new ForwardBatch(
                0,
                known,
                noMedia,
                positions,
                cuQ,
                contexts,
                rows,
                NONE,
                NONE,
                NONE,
                NONE,
                NONE,
                updates.stream().mapToInt(i -> i).toArray(),
                NONE,
                List.of(),
                false);
        int length = Arrays.stream(blocks).mapToInt(b -> b.length).max().orElseThrow();
        inputs = new StepInputs(
                test.device(), new StepLimits(tokens, count, length, numBlocks, 0, Integer.MAX_VALUE), 1);
        inputs.stage(test.stream(), batch, 0, 0);
        DeviceBuffer room = test.device().allocate(bytesOfDerived(tokens, count, headDim), "what is derived");
        test.stream().fill(room, 0xff);
        derived = Derived.in(new Arena(room), tokens, count, headDim);
    }

    private static long bytesOfDerived(int tokens, int sequences, int headDim) {
        Arena measuring = Arena.measuring();
        Derived.in(measuring, tokens, sequences, headDim);
        return measuring.peak();
    }

    private static int blocksOf(int context) {
        return (context + BLOCK - 1) / BLOCK;
    }

    int tokens() {
        return cuQ[queries.length];
    }

    /** Index of a sequence's i-th query in it. */
    int index(int s, int i) {
        return contexts[s] - queries[s] + i;
    }

    long slot(int s, int index) {
        return (long) blocks[s][index / BLOCK] * BLOCK + index % BLOCK;
    }

    /** Where a token's key (part 0) or value (part 1) of a head starts in a layer's cache. */
    static int cacheOffset(CacheShape shape, long slot, int part, int head) {
        long block = slot / BLOCK;
        return Math.toIntExact(
                (((block * 2 + part) * shape.keyHeads() + head) * BLOCK + slot % BLOCK) * shape.headDim());
    }

    /** Derives what the step's kernels read. */
    PagedStep prepare(TestDevice test, CacheShape shape, RopeTable rope, DeviceBuffer lastTokens) {
        Prepare prepare = new Prepare(test.device(), shape, rope);
        prepare.updateTables(test.stream(), inputs);
        prepare.launch(test.stream(), inputs, lastTokens, derived);
        return this;
    }
}
