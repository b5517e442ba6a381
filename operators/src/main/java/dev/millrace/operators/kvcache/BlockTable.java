package dev.millrace.operators.kvcache;

/** The blocks that hold a sequence's keys and values, in the order of its tokens. Filled by the {@link BlockAllocator}. */
public final class BlockTable {

    private final IntList blocks = new IntList(8);
    private int registered;
    private int unchanged;

    public int size() {
        return blocks.size();
    }

    public int block(int index) {
        return blocks.get(index);
    }

    void add(int block) {
        blocks.add(block);
    }

    void set(int index, int block) {
        blocks.set(index, block);
        unchanged = Math.min(unchanged, index);
    }

    /** Index of the first block that is another than when this was last asked, or new. */
    public int takeFirstChanged() {
        int first = unchanged;
        unchanged = blocks.size();
        return first;
    }

    /** Leading blocks that were offered to the prefix cache. */
    int registered() {
        return registered;
    }

    void setRegistered(int count) {
        registered = count;
    }

    void clear() {
        blocks.clear();
        registered = 0;
        unchanged = 0;
    }
}
