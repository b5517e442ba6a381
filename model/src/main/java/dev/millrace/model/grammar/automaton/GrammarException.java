package dev.millrace.model.grammar.automaton;

/** A grammar that cannot be used: wrong, not supported, or larger than the limits. The message says what, where and why. */
public final class GrammarException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public GrammarException(String message) {
        super(message);
    }
}
