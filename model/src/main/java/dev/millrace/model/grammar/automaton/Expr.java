package dev.millrace.model.grammar.automaton;

import java.util.Arrays;
import java.util.List;

/** What a rule of a grammar says, over characters and other rules. */
public sealed interface Expr {

    /** More than any limit: a repetition without an end. */
    int UNBOUNDED = -1;

    Expr EMPTY = new Seq(List.of());

    /** One character of a set. */
    record Chars(CodePoints set) implements Expr {}

    /** One after the other; nothing, where there are none. */
    record Seq(List<Expr> parts) implements Expr {}

    /** One of them; impossible, where there are none. */
    record Alt(List<Expr> options) implements Expr {}

    /** Between {@code min} and {@code max} times, {@link #UNBOUNDED} included. */
    record Repeat(Expr inner, int min, int max) implements Expr {}

    /** Whatever the rule of that name says. */
    record Call(String rule) implements Expr {}

    /** What a finite automaton accepts. */
    record Regular(Dfa dfa) implements Expr {}

    static Expr seq(Expr... parts) {
        return new Seq(List.of(parts));
    }

    static Expr alt(Expr... options) {
        return new Alt(List.of(options));
    }

    static Expr star(Expr inner) {
        return new Repeat(inner, 0, UNBOUNDED);
    }

    static Expr optional(Expr inner) {
        return new Repeat(inner, 0, 1);
    }

    static Expr chars(String text) {
        return new Chars(CodePoints.anyOf(text));
    }

    static Expr range(int low, int high) {
        return new Chars(CodePoints.of(low, high));
    }

    /** The characters of a text, one after the other. */
    static Expr text(String text) {
        return new Seq(Arrays.stream(text.codePoints().toArray())
                .mapToObj(c -> (Expr) new Chars(CodePoints.of(c)))
                .toList());
    }
}
