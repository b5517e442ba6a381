package dev.millrace.model.grammar.automaton;

/** A rule that may be called, once it is defined; one that no text fits has no start. Compared by identity. */
final class Rule {

    private Node start;
    private boolean nullable;

    /** @param mayBeEmpty whether the rule takes nothing, if need be */
    void define(Node first, boolean mayBeEmpty) {
        start = first;
        nullable = mayBeEmpty;
    }

    Node start() {
        return start;
    }

    boolean isNullable() {
        return nullable;
    }
}
