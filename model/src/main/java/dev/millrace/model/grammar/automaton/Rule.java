package dev.millrace.model.grammar.automaton;

/**
 * A rule that may be called. Compared by identity.
 *
 * <p>{@code nullable} says whether the rule may be empty.
 */
final class Rule {

    private Node start;
    private boolean nullable;

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
