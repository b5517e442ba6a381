package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.sequence.Placement;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Owns the rows of the executor's media buffer: which item's embeddings are where, and who still has to read them. An
 * item is encoded whole, in the step that first needs one of its tokens. What nobody needs stays until its rows are
 * wanted; the item that was let go first is dropped first (vLLM {@code encoder_cache_manager.py}).
 */
public final class EncoderCache {

    private final int capacity;
    private final int budget;
    private final Map<MediaKey, Entry> entries = new HashMap<>();
    private final Map<MediaKey, Entry> idle = new LinkedHashMap<>();
    private final List<Entry> pending = new ArrayList<>();
    private final int[] freeRows;
    private int numFree;
    private int idleRows;
    private int pendingRows;
    private long queries;
    private long hits;

    /**
     * @param capacity rows of the media buffer
     * @param budget rows that may be encoded in a step, unless a single item takes more
     */
    public EncoderCache(int capacity, int budget) {
        this.capacity = capacity;
        this.budget = budget;
        this.freeRows = new int[capacity];
        this.numFree = capacity;
        for (int i = 0; i < capacity; i++) {
            freeRows[i] = capacity - 1 - i;
        }
    }

    public int capacity() {
        return capacity;
    }

    /** Items looked up. */
    public long queries() {
        return queries;
    }

    /** Items found. */
    public long hits() {
        return hits;
    }

    /** Rows of an item that the step being built reads. */
    public int[] rows(MediaKey key) {
        return entries.get(key).rows;
    }

    /**
     * Holds the media that a sequence's next tokens stand for.
     *
     * @param count tokens after the computed ones
     * @return how many of them may go; the others wait for an item that finds no room in the buffer or in this step
     */
    int hold(Sequence sequence, int count) {
        if (!sequence.hasMedia()) {
            return count;
        }
        List<MediaSpan> media = sequence.prompt().media();
        Placement placement = sequence.placement();
        int end = sequence.computed() + count;
        for (int i = placement.mediaHeld(); i < media.size() && media.get(i).start() < end; i++) {
            if (!tryHold(media.get(i).item())) {
                return Math.max(0, media.get(i).start() - sequence.computed());
            }
            placement.holdMedia(i + 1);
        }
        return count;
    }

    /** Lets go of the media whose tokens are all computed. */
    void pass(Sequence sequence) {
        if (!sequence.hasMedia()) {
            return;
        }
        List<MediaSpan> media = sequence.prompt().media();
        Placement placement = sequence.placement();
        int passed = placement.mediaPassed();
        while (passed < media.size() && media.get(passed).end() <= sequence.computed()) {
            if (passed < placement.mediaHeld()) {
                release(media.get(passed).item().key());
            }
            passed++;
        }
        placement.passMedia(passed);
    }

    /** Lets go of all media of a sequence. */
    void releaseAll(Sequence sequence) {
        Placement placement = sequence.placement();
        for (int i = placement.mediaPassed(); i < placement.mediaHeld(); i++) {
            release(sequence.prompt().media().get(i).item().key());
        }
        placement.forgetMedia();
    }

    /** The items held for the first time since the last call; they are encoded in the step being built. */
    List<MediaInput> takePending() {
        if (pending.isEmpty()) {
            return List.of();
        }
        List<MediaInput> inputs = pending.stream().map(Entry::encode).toList();
        pending.clear();
        pendingRows = 0;
        return inputs;
    }

    /**
     * Checks that each row is either free or one item's, and that items are held exactly by the given sequences.
     *
     * @throws IllegalStateException saying what is wrong
     */
    public void checkIntegrity(Collection<Sequence> sequences) {
        Map<MediaKey, Integer> holders = new HashMap<>();
        for (Sequence sequence : sequences) {
            Placement placement = sequence.placement();
            for (int i = placement.mediaPassed(); i < placement.mediaHeld(); i++) {
                MediaSpan span = sequence.prompt().media().get(i);
                check(
                        span.end() > sequence.computed(),
                        "holding of " + span.item().key() + ", which was read,");
                holders.merge(span.item().key(), 1, Integer::sum);
            }
        }
        IntList rows = new IntList(capacity);
        for (int i = 0; i < numFree; i++) {
            rows.add(freeRows[i]);
        }
        int unheld = 0;
        for (Entry entry : entries.values()) {
            rows.addAll(entry.rows);
            unheld += entry.holders == 0 ? entry.rows.length : 0;
            check(entry.holders == holders.getOrDefault(entry.key, 0), "holders of " + entry.key);
            check((entry.holders == 0) == idle.containsKey(entry.key), "idleness of " + entry.key);
        }
        check(unheld == idleRows, "count of idle rows");
        check(entries.keySet().containsAll(holders.keySet()), "an item is held that is not there");
        int[] all = rows.toArray(0);
        Arrays.sort(all);
        check(all.length == capacity, "rows lost or owned twice");
        for (int i = 0; i < capacity; i++) {
            check(all[i] == i, "row " + i + " lost or owned twice");
        }
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException("encoder cache: " + what + " is wrong");
        }
    }

    private boolean tryHold(MediaItem item) {
        Entry entry = entries.get(item.key());
        if (entry == null) {
            entry = tryPlace(item);
            if (entry == null) {
                return false;
            }
        } else {
            hits++;
        }
        queries++;
        if (entry.holders++ == 0 && idle.remove(item.key()) != null) {
            idleRows -= entry.rows.length;
        }
        return true;
    }

    private Entry tryPlace(MediaItem item) {
        int wanted = item.numTokens();
        boolean fitsStep = pendingRows == 0 || pendingRows + wanted <= budget;
        if (!fitsStep || wanted > numFree + idleRows) {
            return null;
        }
        while (numFree < wanted) {
            drop(idle.values().iterator().next());
        }
        int[] rows = new int[wanted];
        for (int i = 0; i < wanted; i++) {
            rows[i] = freeRows[--numFree];
        }
        Entry entry = new Entry(item, rows);
        entries.put(item.key(), entry);
        pending.add(entry);
        pendingRows += wanted;
        return entry;
    }

    private void release(MediaKey key) {
        Entry entry = entries.get(key);
        if (--entry.holders > 0) {
            return;
        }
        idle.put(key, entry);
        idleRows += entry.rows.length;
        if (entry.item != null) {
            drop(entry);
            pending.remove(entry);
            pendingRows -= entry.rows.length;
        }
    }

    private void drop(Entry entry) {
        entries.remove(entry.key);
        idle.remove(entry.key);
        idleRows -= entry.rows.length;
        for (int row : entry.rows) {
            freeRows[numFree++] = row;
        }
    }

    /** An item's place in the buffer. */
    private static final class Entry {
        private final MediaKey key;
        private final int[] rows;
        private MediaItem item; // until it is encoded
        private int holders;

        Entry(MediaItem item, int[] rows) {
            this.key = item.key();
            this.item = item;
            this.rows = rows;
        }

        MediaInput encode() {
            MediaInput input = new MediaInput(item, rows);
            item = null;
            return input;
        }
    }
}
