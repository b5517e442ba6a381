package dev.millrace.operators.scheduler;

import dev.millrace.operators.kvcache.BlockAllocator;
import dev.millrace.operators.kvcache.BlockTable;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.sequence.PromptScores;
import dev.millrace.operators.sequence.Sequence;

/** The key-value cache counted in the tokens of sequences. */
final class KvSpace {

    private final BlockAllocator allocator;
    private final int blockSize;
    private final boolean prefixCaching;
    private final IntList copies = new IntList(4); // pairs (from, to) of the step being made

    KvSpace(BlockAllocator allocator, int blockSize, boolean prefixCaching) {
        this.allocator = allocator;
        this.blockSize = blockSize;
        this.prefixCaching = prefixCaching;
    }

    /** Leading tokens of a sequence that others computed; never all, since the last one's output is wanted, and none whose log-probabilities are. */
    int cachedTokens(Sequence sequence) {
        if (!prefixCaching) {
            return 0;
        }
        PromptScores scores = sequence.promptScores();
        int most = scores.isOpen() ? scores.launched() : sequence.length() - 1;
        return allocator.cachedBlocks(sequence.prefixKeys(), most / blockSize) * blockSize;
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
        allocator.share(
                sequence.placement().blocks(),
                sequence.prefixKeys(),
                sequence.progress().computed() / blockSize);
    }

    /** Whether a sequence fits beside what is in use or promised, if its first {@code computed} tokens are a sibling's. */
    boolean fitsBeside(Sequence sequence, int computed, int promised) {
        return promised + ownBlocks(sequence, computed) <= allocator.numFree();
    }

    /** Blocks that a sequence needs for itself if its first {@code computed} tokens are a sibling's, at least one. */
    int ownBlocks(Sequence sequence, int computed) {
        return blocksFor(sequence.length() + 1) - computed / blockSize;
    }

    /** Shares the blocks of a sibling's first {@code computed} tokens; the last of them may be filled in part. */
    void share(Sequence sequence, Sequence sibling, int computed) {
        allocator.share(
                sequence.placement().blocks(), sibling.placement().blocks(), blocksFor(computed), computed / blockSize);
    }

    /** Whether a sequence's first {@code computed} tokens may be copied by this step: it does not itself copy them. */
    boolean isWritten(Sequence sequence, int computed) {
        if (computed % blockSize == 0) {
            return true;
        }
        int last = sequence.placement().blocks().block(computed / blockSize);
        for (int i = 1; i < copies.size(); i += 2) {
            if (copies.get(i) == last) {
                return false;
            }
        }
        return true;
    }

    /**
     * Gets blocks for a sequence's next tokens, and one of its own for the shared one that the first of them would be written
     * into; false, and nothing changed, if there are too few. Such a block is its last: before it got others behind it, this
     * was made its own, and whoever shares a block in part later copies it here before anything else happens.
     */
    boolean tryExtend(Sequence sequence, int count) {
        BlockTable table = sequence.placement().blocks();
        int written = sequence.progress().computed() / blockSize;
        boolean copies = written < table.size() && isShared(table.block(written));
        int blocks = Math.max(table.size(), blocksFor(sequence.progress().computed() + count));
        if (blocks - table.size() + (copies ? 1 : 0) > allocator.numFree()) {
            return false;
        }
        if (copies) {
            copy(table, written);
        }
        return allocator.tryExtend(table, blocks);
    }

    /** What a block held is held until the step is made, lest it be given out before it is copied. */
    private void copy(BlockTable table, int index) {
        copies.add(table.block(index));
        copies.add(allocator.replace(table, index));
    }

    private boolean isShared(int block) {
        int holders = allocator.holders(block);
        for (int i = 0; i < copies.size(); i += 2) {
            holders -= copies.get(i) == block ? 1 : 0;
        }
        return holders > 1;
    }

    /** The pairs (from, to) of blocks that the step that was made copies before it writes. */
    int[] takeCopies() {
        int[] pairs = copies.toArray(0);
        for (int i = 0; i < pairs.length; i += 2) {
            allocator.letGo(pairs[i]);
        }
        copies.clear();
        return pairs;
    }

    /** Lets others find the full blocks whose tokens are known and whose computation was launched. */
    void register(Sequence sequence) {
        int full = Math.min(sequence.progress().computed(), sequence.known()) / blockSize;
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
