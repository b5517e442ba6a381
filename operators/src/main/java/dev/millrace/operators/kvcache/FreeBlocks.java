package dev.millrace.operators.kvcache;

import java.util.Arrays;

/**
 * The blocks that nobody references, in the order in which they are given away: a doubly linked ring over block numbers,
 * closed by the null block, which is never in it.
 */
final class FreeBlocks {

    private static final int RING = 0;
    private static final int ABSENT = -1;

    private final int[] next;
    private final int[] previous;
    private int size;

    FreeBlocks(int numBlocks) {
        next = new int[numBlocks];
        previous = new int[numBlocks];
        Arrays.fill(next, ABSENT);
        next[RING] = RING;
        previous[RING] = RING;
    }

    int size() {
        return size;
    }

    boolean contains(int block) {
        return block != RING && next[block] != ABSENT;
    }

    /** The block to be given away next; there must be one. */
    int first() {
        if (size == 0) {
            throw new IllegalStateException("no free block");
        }
        return next[RING];
    }

    void addFirst(int block) {
        insert(block, RING, next[RING]);
    }

    void addLast(int block) {
        insert(block, previous[RING], RING);
    }

    void remove(int block) {
        if (!contains(block)) {
            throw new IllegalStateException("block " + block + " is not free");
        }
        next[previous[block]] = next[block];
        previous[next[block]] = previous[block];
        next[block] = ABSENT;
        size--;
    }

    private void insert(int block, int after, int before) {
        if (block == RING || contains(block)) {
            throw new IllegalStateException(
                    "block " + block + " cannot be freed: it is the null block or free already");
        }
        next[after] = block;
        previous[block] = after;
        next[block] = before;
        previous[before] = block;
        size++;
    }
}
