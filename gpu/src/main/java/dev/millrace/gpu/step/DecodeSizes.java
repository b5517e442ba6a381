package dev.millrace.gpu.step;

import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The sizes that decode steps are filled up to with sequences without meaning, so that a few graphs serve all: 1, 2, 4, 8,
 * 16, then four to each doubling, and the most sequences that run at a time. They hold without graphs, too, so that a step's
 * results do not depend on how it was launched.
 */
public final class DecodeSizes {

    private static final int[] FIRST = {1, 2, 4, 8};
    private static final int GRADUAL = 16;
    private static final int LARGEST = 512;

    private final int[] sizes;

    /** @param maxNumSeqs most sequences in a step */
    public DecodeSizes(int maxNumSeqs) {
        int most = Math.min(maxNumSeqs, LARGEST);
        IntStream gradual = IntStream.iterate(GRADUAL, n -> n < most, n -> n + Integer.highestOneBit(n) / 4);
        sizes = IntStream.concat(
                        IntStream.concat(Arrays.stream(FIRST).filter(n -> n < most), gradual), IntStream.of(most))
                .toArray();
    }

    /** Whether every sequence has one token, and is sampled from, in a step no larger than the largest size. */
    public boolean isDecode(ForwardBatch batch) {
        int sequences = batch.numSequences();
        return sequences > 0
                && sequences <= sizes[sizes.length - 1]
                && batch.numTokens() == sequences
                && batch.numSamples() == sequences;
    }

    /** The size with an index. */
    public int size(int index) {
        return sizes[index];
    }

    /** How many there are. */
    public int count() {
        return sizes.length;
    }

    /** Index of the smallest size that holds so many sequences. */
    public int indexFor(int sequences) {
        int found = Arrays.binarySearch(sizes, sequences);
        return found >= 0 ? found : -found - 1;
    }
}
