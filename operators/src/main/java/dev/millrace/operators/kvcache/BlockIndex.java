package dev.millrace.operators.kvcache;

/**
 * Finds blocks by the key of their content: a hash table with linear probing, at most half full, so that neither looking
 * up nor changing it allocates anything. The keys are keyed hashes, so any of their bits are as good a hash as any. A
 * slot holds half of the key's lower word beside the block, so that other blocks' keys need not be looked at.
 */
final class BlockIndex {

    /** No block: the null block is never found. */
    static final int NONE = 0;

    private static final long TAG = -1L << Integer.SIZE;

    private final long[] keys; // by block, high and low; ROOT, which is no block's, where it has none
    private final long[] slots; // tag in the upper half, block in the lower; 0 where there is none
    private int size;

    BlockIndex(int numBlocks) {
        keys = new long[2 * numBlocks];
        slots = new long[Integer.highestOneBit(Math.max(1, numBlocks - 1)) << 2];
    }

    /** Blocks that have a key. */
    int size() {
        return size;
    }

    boolean hasKey(int block) {
        return !isKey(block, BlockKey.ROOT);
    }

    /** The block of a key, or {@link #NONE}. */
    int find(BlockKey key) {
        long tag = key.low() & TAG;
        for (int at = home(tag); slots[at] != 0; at = after(at)) {
            if ((slots[at] & TAG) == tag && isKey((int) slots[at], key)) {
                return (int) slots[at];
            }
        }
        return NONE;
    }

    /** Gives a block that has none a key that no block has. */
    void put(BlockKey key, int block) {
        setKey(block, key);
        long tag = key.low() & TAG;
        int at = home(tag);
        while (slots[at] != 0) {
            at = after(at);
        }
        slots[at] = tag | block;
        size++;
    }

    /** Takes a block's key away, if it has one. */
    void remove(int block) {
        if (!hasKey(block)) {
            return;
        }
        long slot = keys[2 * block + 1] & TAG | block;
        int hole = home(slot);
        while (slots[hole] != slot) {
            hole = after(hole);
        }
        close(hole);
        setKey(block, BlockKey.ROOT);
        size--;
    }

    /** Whether a block's key leads to it. */
    boolean leadsTo(int block) {
        return find(new BlockKey(keys[2 * block], keys[2 * block + 1])) == block;
    }

    /** Empties a slot; those behind it that were only kept from it move up (Knuth, TAOCP 3, algorithm 6.4R). */
    private void close(int emptied) {
        int hole = emptied;
        for (int at = after(hole); slots[at] != 0; at = after(at)) {
            int fromHome = at - home(slots[at]) & slots.length - 1;
            int fromHole = at - hole & slots.length - 1;
            if (fromHome >= fromHole) {
                slots[hole] = slots[at];
                hole = at;
            }
        }
        slots[hole] = 0;
    }

    private int home(long slot) {
        return (int) (slot >>> Integer.SIZE) & slots.length - 1;
    }

    private int after(int slot) {
        return slot + 1 & slots.length - 1;
    }

    private boolean isKey(int block, BlockKey key) {
        return keys[2 * block] == key.high() && keys[2 * block + 1] == key.low();
    }

    private void setKey(int block, BlockKey key) {
        keys[2 * block] = key.high();
        keys[2 * block + 1] = key.low();
    }
}
