package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;

/** An item's place in the media buffer, and how far its encoding is. */
final class MediaEntry {

    final MediaKey key;
    final int[] rows;
    private MediaItem item; // until its encoding is taken
    private boolean encoded;
    private boolean read;
    private int holders = 1; // its encoding

    MediaEntry(MediaItem item, int[] rows) {
        this.key = item.key();
        this.item = item;
        this.rows = rows;
    }

    /** What the executor is given; only once, for the patches are not kept. */
    MediaInput takeInput() {
        MediaInput input = new MediaInput(item, rows);
        item = null;
        return input;
    }

    boolean isEncoded() {
        return encoded;
    }

    void markEncoded() {
        encoded = true;
    }

    /** Notes that a sequence read it; whether another had before. */
    boolean markRead() {
        boolean before = read;
        read = true;
        return before;
    }

    /** Its sequences, and its encoding until that is done. */
    int holders() {
        return holders;
    }

    void hold() {
        holders++;
    }

    void letGo() {
        holders--;
    }
}
