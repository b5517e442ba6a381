package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.List;

/**
 * What follows a rule that was called at some point of the text: the places behind all calls of it made there, each with
 * what follows it in turn. Grows only while that point's {@link Closure} is made. Compared by identity.
 */
public final class Continuation {

    /** Nothing follows: the text is over. */
    public static final Continuation END = new Continuation();

    private final List<Item> callers = new ArrayList<>(1);

    void add(Item caller) {
        callers.add(caller);
    }

    List<Item> callers() {
        return callers;
    }
}
