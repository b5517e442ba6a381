package dev.millrace.model.grammar.automaton;

/**
 * One way to read the text so far.
 *
 * @param node where it is in a rule
 * @param then what follows that rule
 */
public record Item(Node node, Continuation then) {}
