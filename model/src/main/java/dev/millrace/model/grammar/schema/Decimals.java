package dev.millrace.model.grammar.schema;

import dev.millrace.model.grammar.automaton.Expr;
import java.math.BigDecimal;

/** Decimal numbers from 0 on, without exponents, that are not above or not below a bound. Zeros may lead. */
final class Decimals {

    private static final Expr DIGIT = Expr.range('0', '9');
    private static final Expr ZEROS = Expr.star(Expr.text("0"));
    private static final Expr ANY_DIGITS = Expr.star(DIGIT);
    private static final Expr FRACTION = Expr.optional(Expr.seq(Expr.text("."), JsonTerms.DIGITS));
    private static final Expr IMPOSSIBLE = Expr.alt();

    private final String whole;
    private final String fraction;
    private final boolean exclusive;

    /**
     * @param bound at least 0
     * @param exclusive whether the bound itself is out
     */
    Decimals(BigDecimal bound, boolean exclusive) {
        String plain = bound.stripTrailingZeros().toPlainString();
        int point = plain.indexOf('.');
        this.whole = point < 0 ? plain : plain.substring(0, point);
        this.fraction = point < 0 ? "" : plain.substring(point + 1);
        this.exclusive = exclusive;
    }

    Expr below() {
        Expr same = endBelow();
        for (int i = whole.length() - 1; i >= 0; i--) {
            same = Expr.alt(
                    Expr.seq(digits('0', whole.charAt(i) - 1), digits(whole.length() - i - 1), FRACTION),
                    Expr.seq(digits(whole.charAt(i), whole.charAt(i)), same));
        }
        return whole.length() == 1
                ? same
                : Expr.alt(same, Expr.seq(new Expr.Repeat(DIGIT, 1, whole.length() - 1), FRACTION));
    }

    Expr above() {
        Expr same = endAbove();
        for (int i = whole.length() - 1; i >= 0; i--) {
            same = Expr.alt(
                    Expr.seq(digits(whole.charAt(i) + 1, '9'), digits(whole.length() - i - 1), FRACTION),
                    Expr.seq(digits(whole.charAt(i), whole.charAt(i)), same));
        }
        return Expr.alt(same, Expr.seq(new Expr.Repeat(DIGIT, whole.length() + 1, Expr.UNBOUNDED), FRACTION));
    }

    /** Behind the bound's whole part, for what is not above the bound. */
    private Expr endBelow() {
        if (fraction.isEmpty()) {
            return exclusive ? IMPOSSIBLE : Expr.optional(Expr.seq(Expr.text(".0"), ZEROS));
        }
        Expr rest = exclusive ? IMPOSSIBLE : ZEROS;
        for (int k = fraction.length() - 1; k >= 0; k--) {
            Expr equal = k == fraction.length() - 1 ? rest : Expr.optional(rest); // a shorter one is smaller
            char digit = fraction.charAt(k);
            rest = Expr.alt(Expr.seq(digits('0', digit - 1), ANY_DIGITS), Expr.seq(digits(digit, digit), equal));
        }
        return Expr.optional(Expr.seq(Expr.text("."), rest));
    }

    /** Behind the bound's whole part, for what is not below the bound. */
    private Expr endAbove() {
        Expr larger = Expr.seq(ZEROS, Expr.range('1', '9'), ANY_DIGITS);
        if (fraction.isEmpty()) {
            return exclusive ? Expr.seq(Expr.text("."), larger) : FRACTION;
        }
        Expr rest = exclusive ? larger : ANY_DIGITS;
        for (int k = fraction.length() - 1; k >= 0; k--) {
            char digit = fraction.charAt(k);
            rest = Expr.alt(Expr.seq(digits(digit + 1, '9'), ANY_DIGITS), Expr.seq(digits(digit, digit), rest));
        }
        return Expr.seq(Expr.text("."), rest);
    }

    private static Expr digits(int low, int high) {
        return low > high ? IMPOSSIBLE : Expr.range(low, high);
    }

    private static Expr digits(int count) {
        return new Expr.Repeat(DIGIT, count, count);
    }
}
