package dev.millrace.operators.kvcache;

import java.util.Collection;

/**
 * Owns the blocks of the paged key-value cache: who references which, which are free, and which full blocks can be found
 * again by their content (vLLM {@code block_pool.py}). Block 0 is the null block and never given out.
 *
 * <p>A block that nobody references keeps its content, and its key, until it is given to someone else; of those the least
 * recently used goes first, of one sequence's the last block first. A block without a key goes before any with one. Two
 * blocks of equal content are not merged: the first stays the one that is found.
 */
public class BlockAllocator {

    private final int[] references;
    private final FreeBlocks free;
    private final BlockIndex cached;

    /**
     * @param numBlocks blocks, the null block included
     */
    public BlockAllocator(int numBlocks) {
        references = new int[numBlocks];
        free = new FreeBlocks(numBlocks);
        cached = new BlockIndex(numBlocks);
        for (int block = 1; block < numBlocks; block++) {
            free.addLast(block);
        }
    }

    /** Blocks that can be given out, free or not. */
    public int capacity() {
        return references.length - 1;
    }

    public int numFree() {
        return free.size();
    }

    /** How many of a sequence's first {@code atMost} blocks are in the prefix cache, without a gap. */
    public int cachedBlocks(PrefixKeys sequence, int atMost) {
        int found = 0;
        while (found < atMost && cached.find(sequence.at(found)) != BlockIndex.NONE) {
            found++;
        }
        return found;
    }

    /** Whether {@code total} blocks can be had now, the first {@code shared} of them from the prefix cache. */
    public boolean fits(PrefixKeys sequence, int shared, int total) {
        int available = free.size();
        if (total - shared > available) {
            return false;
        }
        for (int i = 0; i < shared; i++) {
            if (references[cached.find(sequence.at(i))] == 0) {
                available--;
            }
        }
        return total - shared <= available;
    }

    /** Begins a table with a sequence's first {@code count} blocks, which the prefix cache must hold. */
    public void share(BlockTable table, PrefixKeys sequence, int count) {
        for (int i = 0; i < count; i++) {
            int block = cached.find(sequence.at(i));
            reference(block);
            table.add(block);
        }
        table.setRegistered(count);
    }

    /**
     * Begins a table with the first {@code count} blocks of another, whatever is written of the last one.
     *
     * @param full how many of them hold nothing but what both tables have in common
     */
    public void share(BlockTable table, BlockTable other, int count, int full) {
        for (int i = 0; i < count; i++) {
            reference(other.block(i));
            table.add(other.block(i));
        }
        table.setRegistered(Math.min(full, other.registered()));
    }

    /** How many hold a block. */
    public int holders(int block) {
        return references[block];
    }

    /** Puts a free block, which there must be, into a table in another's place, and returns it. The other is still held. */
    public int replace(BlockTable table, int index) {
        int block = take();
        table.set(index, block);
        return block;
    }

    /** Takes a holder off a block that {@link #replace} took out of a table. */
    public void letGo(int block) {
        release(block);
    }

    /** Lengthens a table to {@code size} blocks; false, and nothing changed, if too few are free. */
    public boolean tryExtend(BlockTable table, int size) {
        int missing = size - table.size();
        if (missing > free.size()) {
            return false;
        }
        for (int i = 0; i < missing; i++) {
            table.add(take());
        }
        return true;
    }

    /**
     * Makes a table's first {@code full} blocks findable by their keys. Their writing must have been launched in a step
     * before any step that may find them.
     */
    public void register(BlockTable table, PrefixKeys sequence, int full) {
        for (int i = table.registered(); i < full; i++) {
            int block = table.block(i);
            if (!cached.hasKey(block) && cached.find(sequence.at(i)) == BlockIndex.NONE) {
                cached.put(sequence.at(i), block);
            }
        }
        table.setRegistered(Math.max(full, table.registered()));
    }

    /** Gives a table's blocks back and empties it. */
    public void free(BlockTable table) {
        for (int i = table.size() - 1; i >= 0; i--) {
            release(table.block(i));
        }
        table.clear();
    }

    /**
     * Checks that references are exactly the tables', that free is what nobody references, and that keys lead to their
     * blocks.
     *
     * @param tables every table in use
     * @throws IllegalStateException naming the first block that is wrong
     */
    public void checkIntegrity(Collection<BlockTable> tables) {
        int[] expected = new int[references.length];
        for (BlockTable table : tables) {
            for (int i = 0; i < table.size(); i++) {
                expected[table.block(i)]++;
            }
        }
        check(expected[0] == 0, 0, "the null block is in a table");
        int numFree = 0;
        int numKeys = 0;
        for (int block = 1; block < references.length; block++) {
            check(references[block] == expected[block], block, "references differ from the tables'");
            check(free.contains(block) == (references[block] == 0), block, "free list and references disagree");
            check(!cached.hasKey(block) || cached.leadsTo(block), block, "its key leads elsewhere");
            numFree += references[block] == 0 ? 1 : 0;
            numKeys += cached.hasKey(block) ? 1 : 0;
        }
        check(numFree == free.size(), 0, "the free list's size is wrong");
        check(numKeys == cached.size(), 0, "the prefix cache holds keys that no block has");
    }

    /** Takes the next free block out for its only holder; what it held is forgotten. */
    int take() {
        int block = free.first();
        free.remove(block);
        cached.remove(block);
        references[block] = 1;
        return block;
    }

    /** Adds a holder to a block whose content is in use or still there. */
    void reference(int block) {
        if (references[block]++ == 0) {
            free.remove(block);
        }
    }

    /** Takes a holder off a block. */
    void release(int block) {
        check(references[block] > 0, block, "it is freed but nobody holds it");
        if (--references[block] > 0) {
            return;
        }
        if (cached.hasKey(block)) {
            free.addLast(block);
        } else {
            free.addFirst(block);
        }
    }

    private void check(boolean holds, int block, String complaint) {
        if (!holds) {
            throw new IllegalStateException("block " + block + ": " + complaint + " (references " + references[block]
                    + ", found by its key " + cached.hasKey(block) + ", free " + free.contains(block) + ")");
        }
    }
}
