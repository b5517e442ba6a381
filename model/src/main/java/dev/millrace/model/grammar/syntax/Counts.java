package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.Expr;

/** What stands behind an expression and says how often it comes. */
final class Counts {

    private Counts() {}

    /** The expression with the counts that follow it, if any do. */
    static Expr read(Source source, Expr inner) {
        return switch (source.peek()) {
            case '*' -> repeat(source, inner, 0, Expr.UNBOUNDED);
            case '+' -> repeat(source, inner, 1, Expr.UNBOUNDED);
            case '?' -> repeat(source, inner, 0, 1);
            case '{' -> braces(source, inner);
            default -> inner;
        };
    }

    static boolean isNext(Source source) {
        int c = source.peek();
        return c == '*' || c == '+' || c == '?' || c == '{';
    }

    private static Expr repeat(Source source, Expr inner, int min, int max) {
        source.take();
        return new Expr.Repeat(inner, min, max);
    }

    private static Expr braces(Source source, Expr inner) {
        source.take();
        skipSpace(source);
        int min = source.number();
        skipSpace(source);
        int max = min;
        if (source.tryTake(',')) {
            skipSpace(source);
            max = source.number();
            skipSpace(source);
        }
        if (min < 0) {
            throw source.error(
                    "expected a count, as in {2} or {2,} or {2,5}; a brace that stands for itself is written \\{");
        }
        source.expect('}');
        if (max != Expr.UNBOUNDED && max < min) {
            throw source.error("a count from " + min + " to " + max);
        }
        return new Expr.Repeat(inner, min, max);
    }

    private static void skipSpace(Source source) {
        while (source.peek() == ' ') {
            source.take();
        }
    }
}
