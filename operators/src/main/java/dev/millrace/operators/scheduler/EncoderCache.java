package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.sequence.Placement;
import dev.millrace.operators.sequence.Sequence;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Owns the rows of the executor's media buffer: which item's embeddings are where or on their way, and who still has to
 * read them. An item is encoded whole, ahead of the step that needs one of its tokens; its encoding holds it until it is
 * done, so its rows stay its own even if all who wanted it are gone. What nobody holds stays until its rows are wanted;
 * the item that was let go first is dropped first (vLLM {@code encoder_cache_manager.py}).
 */
public final class EncoderCache {

    private final int capacity;
    private final int lookahead;
    private final Encodings encodings;
    private final Map<MediaKey, MediaEntry> entries = new HashMap<>();
    private final Map<MediaKey, MediaEntry> idle = new LinkedHashMap<>();
    private final int[] freeRows;
    private int numFree;
    private int idleRows;
    private boolean refused; // an item since the last encoding was taken
    private long queries;
    private long hits;

    /**
     * @param capacity rows of the media buffer
     * @param budget rows that may be encoded together, unless a single item takes more; also how many tokens beyond the next
     *     ones are looked at for media
     * @param mostInFlight encodings that may be in flight at a time, at least 1
     */
    public EncoderCache(int capacity, int budget, int mostInFlight) {
        this.capacity = capacity;
        this.lookahead = budget;
        this.encodings = new Encodings(budget, mostInFlight);
        this.freeRows = new int[capacity];
        this.numFree = capacity;
        for (int i = 0; i < capacity; i++) {
            freeRows[i] = capacity - 1 - i;
        }
    }

    public int capacity() {
        return capacity;
    }

    /** Items that sequences read. */
    public long queries() {
        return queries;
    }

    /** Those of them that another sequence had read before. */
    public long hits() {
        return hits;
    }

    /** Rows of an item that the step being built reads. */
    public int[] rows(MediaKey key) {
        return entries.get(key).rows;
    }

    /** Whether no encoding is in flight. */
    public boolean isIdle() {
        return encodings.isIdle();
    }

    /**
     * Holds the media that a sequence's next tokens stand for, and those soon after; what is not there is encoded if it finds
     * room and if nothing before it did not.
     *
     * @param count tokens after the computed ones
     * @return how many of them may go; the others wait for an item that is not there yet
     */
    int hold(Sequence sequence, int count) {
        if (!sequence.hasMedia()) {
            return count;
        }
        List<MediaSpan> media = sequence.prompt().media();
        Placement placement = sequence.placement();
        int end = sequence.progress().computed() + count;
        for (int i = placement.mediaHeld(); i < media.size() && media.get(i).start() < end + lookahead; i++) {
            if (!tryHold(media.get(i).item())) {
                break;
            }
            placement.holdMedia(i + 1);
        }
        for (int i = placement.mediaPassed(); i < media.size() && media.get(i).start() < end; i++) {
            if (i >= placement.mediaHeld() || isInFlight(media.get(i))) {
                return Math.max(0, media.get(i).start() - sequence.progress().computed());
            }
        }
        return count;
    }

    /** Whether the next item that a sequence reads may be read. */
    boolean isNextThere(Sequence sequence) {
        return isNextHeld(sequence) && !isInFlight(next(sequence));
    }

    /** Whether the next item that a sequence reads is held and being encoded. */
    boolean isNextComing(Sequence sequence) {
        return isNextHeld(sequence) && isInFlight(next(sequence));
    }

    private static boolean isNextHeld(Sequence sequence) {
        return sequence.placement().mediaPassed() < sequence.placement().mediaHeld();
    }

    private static MediaSpan next(Sequence sequence) {
        return sequence.prompt().media().get(sequence.placement().mediaPassed());
    }

    private boolean isInFlight(MediaSpan span) {
        return !entries.get(span.item().key()).isEncoded();
    }

    /** Lets go of the media whose tokens are all computed. */
    void pass(Sequence sequence) {
        if (!sequence.hasMedia()) {
            return;
        }
        List<MediaSpan> media = sequence.prompt().media();
        Placement placement = sequence.placement();
        int passed = placement.mediaPassed();
        while (passed < media.size()
                && media.get(passed).end() <= sequence.progress().computed()) {
            if (passed < placement.mediaHeld()) {
                MediaEntry entry = entries.get(media.get(passed).item().key());
                queries++;
                hits += entry.markRead() ? 1 : 0;
                letGo(entry);
            }
            passed++;
        }
        placement.passMedia(passed);
    }

    /** Lets go of all media of a sequence. */
    void releaseAll(Sequence sequence) {
        Placement placement = sequence.placement();
        for (int i = placement.mediaPassed(); i < placement.mediaHeld(); i++) {
            letGo(entries.get(sequence.prompt().media().get(i).item().key()));
        }
        placement.forgetMedia();
    }

    /** The items that were placed since the last call; from here on their encoding counts as in flight. */
    public Optional<EncoderBatch> tryTakeEncoding() {
        refused = false;
        return encodings.tryTake();
    }

    /** Takes note that the oldest encoding in flight is done: its items may be read. */
    public void complete(long encoding) {
        encodings.complete(encoding).forEach(this::letGo);
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
                        span.end() > sequence.progress().computed(),
                        "holding of " + span.item().key() + ", which was read,");
                holders.merge(span.item().key(), 1, Integer::sum);
            }
        }
        encodings.entries().forEach(entry -> {
            check(!entry.isEncoded(), "encoding of " + entry.key + ", which is done,");
            holders.merge(entry.key, 1, Integer::sum);
        });
        IntList rows = new IntList(capacity);
        for (int i = 0; i < numFree; i++) {
            rows.add(freeRows[i]);
        }
        int unheld = 0;
        for (MediaEntry entry : entries.values()) {
            rows.addAll(entry.rows);
            unheld += entry.holders() == 0 ? entry.rows.length : 0;
            check(entry.holders() == holders.getOrDefault(entry.key, 0), "holders of " + entry.key);
            check((entry.holders() == 0) == idle.containsKey(entry.key), "idleness of " + entry.key);
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
        MediaEntry entry = entries.get(item.key());
        if (entry == null) {
            entry = tryPlace(item);
            if (entry == null) {
                return false;
            }
        }
        if (idle.remove(item.key()) != null) {
            idleRows -= entry.rows.length;
        }
        entry.hold();
        return true;
    }

    private MediaEntry tryPlace(MediaItem item) {
        int wanted = item.numTokens();
        refused |= !encodings.mayAdd(wanted) || wanted > numFree + idleRows; // or small items keep a large one out
        if (refused) {
            return null;
        }
        while (numFree < wanted) {
            drop(idle.values().iterator().next());
        }
        int[] rows = new int[wanted];
        for (int i = 0; i < wanted; i++) {
            rows[i] = freeRows[--numFree];
        }
        MediaEntry entry = new MediaEntry(item, rows);
        entries.put(item.key(), entry);
        encodings.add(entry);
        return entry;
    }

    private void letGo(MediaEntry entry) {
        entry.letGo();
        if (entry.holders() == 0) {
            idle.put(entry.key, entry);
            idleRows += entry.rows.length;
        }
    }

    private void drop(MediaEntry entry) {
        entries.remove(entry.key);
        idle.remove(entry.key);
        idleRows -= entry.rows.length;
        for (int row : entry.rows) {
            freeRows[numFree++] = row;
        }
    }
}
