package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.grammar.automaton.Dfa;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.Work;
import java.math.BigDecimal;

/** Numbers, and what bounds them. Between bounds a number is written without exponent. */
final class NumberSchema {

    private static final int MAX_DIGITS = 400;
    private static final Expr FRACTION = Expr.optional(Expr.seq(Expr.text("."), JsonTerms.DIGITS));

    private final boolean integer;
    private final Bound low;
    private final Bound high;
    private final Work work;

    private record Bound(BigDecimal value, boolean exclusive) {
        Bound negated() {
            return new Bound(value.negate(), exclusive);
        }
    }

    NumberSchema(JsonNode schema, boolean integer, Work work) {
        this.integer = integer;
        this.work = work;
        this.low = bound(schema, "minimum", "exclusiveMinimum", 1);
        this.high = bound(schema, "maximum", "exclusiveMaximum", -1);
        JsonNode multiple = schema.get("multipleOf");
        if (multiple != null
                && !(integer && multiple.isNumber() && multiple.decimalValue().compareTo(BigDecimal.ONE) == 0)) {
            throw new GrammarException("multipleOf is not supported");
        }
    }

    Expr expr() {
        if (low == null && high == null) {
            return integer ? JsonTerms.INTEGER : JsonTerms.NUMBER;
        }
        Expr positive = isBelowZero(high) ? Expr.alt() : magnitude(isBelowZero(low) ? null : low, high);
        Bound highest = low == null ? null : low.negated();
        Bound lowest = high == null || !isBelowZero(high) ? null : high.negated();
        Expr negative = isBelowZero(highest) ? Expr.alt() : magnitude(lowest, highest);
        return Expr.alt(positive, Expr.seq(Expr.text("-"), negative));
    }

    private Expr magnitude(Bound least, Bound most) {
        Dfa numbers = Dfa.of(integer ? JsonTerms.WHOLE : Expr.seq(JsonTerms.WHOLE, FRACTION), work);
        if (least != null) {
            numbers = numbers.and(Dfa.of(new Decimals(least.value, least.exclusive).above(), work), work);
        }
        if (most != null) {
            numbers = numbers.and(Dfa.of(new Decimals(most.value, most.exclusive).below(), work), work);
        }
        return new Expr.Regular(numbers);
    }

    private static boolean isBelowZero(Bound bound) {
        return bound != null && bound.value.signum() < 0;
    }

    /** The stricter of both bounds; {@code direction} is 1 where the larger is. */
    private static Bound bound(JsonNode schema, String inclusive, String exclusive, int direction) {
        Bound closed = bound(schema, inclusive, false);
        Bound open = bound(schema, exclusive, true);
        if (closed == null || open == null) {
            return closed == null ? open : closed;
        }
        return open.value.compareTo(closed.value) * direction >= 0 ? open : closed;
    }

    private static Bound bound(JsonNode schema, String keyword, boolean exclusive) {
        JsonNode value = schema.get(keyword);
        if (value == null) {
            return null;
        }
        if (!value.isNumber()) {
            throw new GrammarException(keyword + " must be a number, got " + value);
        }
        plain(value);
        return new Bound(value.decimalValue(), exclusive);
    }

    /** A number without exponent. */
    static String plain(JsonNode number) {
        BigDecimal value = number.decimalValue();
        if ((long) value.precision() + Math.abs((long) value.scale()) > MAX_DIGITS) {
            throw new GrammarException(number + " written out has over " + MAX_DIGITS + " digits");
        }
        return value.toPlainString();
    }
}
