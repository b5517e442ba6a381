package dev.millrace.operators.kvcache;

/** 128 bits of a keyed hash over a block's content and all that comes before it in its sequence. */
public record BlockKey(long high, long low) {

    /** Parent of a sequence's first block. */
    public static final BlockKey ROOT = new BlockKey(0, 0);
}
