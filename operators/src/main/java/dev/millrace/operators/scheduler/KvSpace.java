package dev.millrace.operators.scheduler;

import dev.millrace.operators.kvcache.BlockAllocator;
import dev.millrace.operators.sequence.Sequence;

/** The key-value cache counted in the tokens of sequences. */
final class KvSpace {

    private final BlockAllocator allocator;
    private final int blockSize;
    private final boolean prefixCaching;

    KvSpace(BlockAllocator allocator, int blockSize, boolean prefixCaching) {
        this.allocator = allocator;
        this.blockSize = blockSize;
        this.prefixCaching = prefixCaching;
    }

    /** Leading tokens of a sequence that others computed; never all, since the last one's output is wanted. */
    int cachedTokens(Sequence sequence) {
        if (!prefixCaching) {
            return 0;
        }
        int mostBlocks = (sequence.length() - 1) / blockSize;
        return allocator.cachedBlocks(sequence.prefixKeys(), mostBlocks) * blockSize;
    }

    /** Whether a whole sequence fits beside what is in use or promised, its first {@code cached} tokens shared. */
    boolean fits(Sequence sequence, int cached, int promised) {
        return allocator.fits(sequence.prefixKeys(), cached / blockSize, promised + blocksFor(sequence));
    }

    /** Blocks of a whole sequence. */
    int blocksFor(Sequence sequence) {
        return blocksFor(sequence.length());
    }

    /** Shares the sequence's computed tokens with whoever holds them. */
    void share(Sequence sequence) {
        allocator.share(sequence.placement().blocks(), sequence.prefixKeys(), sequence.computed() / blockSize);
    }

    /** Gets blocks for a sequence's next tokens; false, and nothing changed, if there are too few. */
    boolean tryExtend(Sequence sequence, int count) {
        int blocks = blocksFor(sequence.computed() + count);
        var table = sequence.placement().blocks();
        return blocks <= table.size() || allocator.tryExtend(table, blocks);
    }

    /** Lets others find the full blocks whose tokens are known and whose computation was launched. */
    void register(Sequence sequence) {
        int full = Math.min(sequence.computed(), sequence.known()) / blockSize;
        if (prefixCaching && full > 0) {
            allocator.register(sequence.placement().blocks(), sequence.prefixKeys(), full);
        }
    }

    void free(Sequence sequence) {
        allocator.free(sequence.placement().blocks());
    }

    private int blocksFor(int tokens) {
        return (tokens + blockSize - 1) / blockSize;
    }
}
