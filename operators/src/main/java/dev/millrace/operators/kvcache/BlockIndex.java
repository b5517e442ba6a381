package dev.millrace.operators.kvcache;

/**
 * Finds blocks by the key of their content: a hash table chained through block numbers, so that neither looking up nor
 * changing it allocates anything. The keys are keyed hashes, so their low bits are as good a hash as any.
 */
final class BlockIndex {

    /** No block: the null block is never found. */
    static final int NONE = 0;

    private final BlockKey[] keys; // by block; null where it has none
    private final int[] next; // by block, the next of the same bucket
    private final int[] first; // by bucket
    private int size;

    BlockIndex(int numBlocks) {
        keys = new BlockKey[numBlocks];
        next = new int[numBlocks];
        first = new int[Integer.highestOneBit(Math.max(1, numBlocks - 1)) << 1];
    }

    /** Blocks that have a key. */
    int size() {
        return size;
    }

    boolean hasKey(int block) {
        return keys[block] != null;
    }

    /** The block of a key, or {@link #NONE}. */
    int find(BlockKey key) {
        int block = first[bucket(key)];
        while (block != NONE && !keys[block].equals(key)) {
            block = next[block];
        }
        return block;
    }

    /** Gives a block that has none a key that no block has. */
    void put(BlockKey key, int block) {
        int bucket = bucket(key);
        keys[block] = key;
        next[block] = first[bucket];
        first[bucket] = block;
        size++;
    }

    /** Takes a block's key away, if it has one. */
    void remove(int block) {
        if (keys[block] == null) {
            return;
        }
        int bucket = bucket(keys[block]);
        if (first[bucket] == block) {
            first[bucket] = next[block];
        } else {
            int before = first[bucket];
            while (next[before] != block) {
                before = next[before];
            }
            next[before] = next[block];
        }
        keys[block] = null;
        size--;
    }

    /** Whether a block's key leads to it. */
    boolean leadsTo(int block) {
        return find(keys[block]) == block;
    }

    private int bucket(BlockKey key) {
        return (int) key.low() & first.length - 1;
    }
}
