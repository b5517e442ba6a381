package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A point of a text that fits a grammar so far. Never changed. */
public final class Place {

    private final Item[] readers;
    private final boolean ended;

    Place(Item[] readers, boolean ended) {
        this.readers = readers;
        this.ended = ended;
    }

    static Place start(Node node) {
        return of(List.of(new Item(node, Continuation.END)));
    }

    /** All that may come next in any of these ways to read a text, and in the rules that they begin and leave. */
    public static Place of(List<Item> items) {
        Item only = items.size() == 1 ? items.get(0) : null;
        if (only != null && !only.node().hasCalls() && !only.node().accepts()) {
            return new Place(new Item[] {only}, false);
        }
        return new Closure().of(items);
    }

    /** What is read where a rule is left. */
    public static Place behind(Continuation continuation) {
        return of(continuation.callers());
    }

    /** The ways to read the text of which each may read another byte. */
    public List<Item> readers() {
        return Arrays.asList(readers);
    }

    /** Whether the text may be over here. */
    public boolean mayEnd() {
        return ended;
    }

    /** Whether nothing can follow: the text must be over here. */
    public boolean isFinal() {
        return readers.length == 0;
    }

    /** The point after a byte, or null if that does not fit. */
    public Place after(byte b) {
        if (readers.length == 1) {
            Node next = readers[0].node().after(b);
            return next == null ? null : of(List.of(new Item(next, readers[0].then())));
        }
        List<Item> items = new ArrayList<>(readers.length);
        for (Item reader : readers) {
            Node next = reader.node().after(b);
            if (next != null) {
                items.add(new Item(next, reader.then()));
            }
        }
        return items.isEmpty() ? null : of(items);
    }

    /** The point after some bytes, or null if they do not fit. */
    public Place after(byte[] bytes) {
        Place place = this;
        for (int i = 0; i < bytes.length && place != null; i++) {
            place = place.after(bytes[i]);
        }
        return place;
    }
}
