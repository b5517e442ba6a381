package dev.millrace.operators.sequence;

import dev.millrace.operators.kvcache.BlockTable;

/** What a sequence holds of the executor while it runs: a row, blocks, and the embeddings of media it still has to read. */
public final class Placement {

    private static final int NO_ROW = -1;

    private final BlockTable blocks = new BlockTable();
    private int row = NO_ROW;
    private int mediaPassed;
    private int mediaHeld;

    public boolean hasRow() {
        return row != NO_ROW;
    }

    public int row() {
        return row;
    }

    public void takeRow(int taken) {
        row = taken;
    }

    public void leaveRow() {
        row = NO_ROW;
    }

    public BlockTable blocks() {
        return blocks;
    }

    /** Media items, in order of the prompt, that need not be read any more. */
    public int mediaPassed() {
        return mediaPassed;
    }

    /** Media items, in order of the prompt, that were held at some time; those from {@link #mediaPassed} on still are. */
    public int mediaHeld() {
        return mediaHeld;
    }

    public void holdMedia(int count) {
        mediaHeld = count;
    }

    public void passMedia(int count) {
        mediaPassed = count;
        mediaHeld = Math.max(mediaHeld, count);
    }

    /** Starts over: nothing is held. */
    public void forgetMedia() {
        mediaPassed = 0;
        mediaHeld = 0;
    }
}
