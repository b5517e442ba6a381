package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.CodePoints;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.util.ArrayList;
import java.util.List;

/**
 * Regular expressions: what ECMA 262, Java and Python have in common, as far as it is regular. Lazy counts mean what greedy
 * ones do. Back references, looking around, borders of words, and flags are refused by name; so are anchors anywhere but at
 * the ends.
 */
public final class Regex {

    private static final int MAX_DEPTH = 200;
    private static final Expr ANYTHING = Expr.star(new Expr.Chars(CodePoints.ALL));
    private static final Expr START = new Expr.Seq(new ArrayList<>());
    private static final Expr END = new Expr.Alt(new ArrayList<>());

    private final Source source;
    private int depth;

    private Regex(String pattern) {
        this.source = new Source(pattern);
    }

    /**
     * The texts that match from beginning to end.
     *
     * @throws GrammarException saying what is not a regular expression or not supported
     */
    public static Expr whole(String pattern) {
        return new Regex(pattern).read(Expr.EMPTY);
    }

    /** The texts in which there is a match somewhere, as JSON schemas mean it. */
    public static Expr anywhere(String pattern) {
        return new Regex(pattern).read(ANYTHING);
    }

    private Expr read(Expr around) {
        List<Expr> options = new ArrayList<>();
        for (List<Expr> parts : alternatives()) {
            boolean starts = !parts.isEmpty() && parts.get(0) == START;
            List<Expr> rest = starts ? parts.subList(1, parts.size()) : parts;
            boolean ends = !rest.isEmpty() && rest.get(rest.size() - 1) == END;
            List<Expr> body = ends ? rest.subList(0, rest.size() - 1) : rest;
            requireNoAnchor(body);
            options.add(Expr.seq(starts ? Expr.EMPTY : around, new Expr.Seq(body), ends ? Expr.EMPTY : around));
        }
        if (!source.atEnd()) {
            throw source.error("a closing parenthesis without an opening one");
        }
        return new Expr.Alt(options);
    }

    private List<List<Expr>> alternatives() {
        if (++depth > MAX_DEPTH) {
            throw source.error("groups are nested over " + MAX_DEPTH + " deep");
        }
        List<List<Expr>> alternatives = new ArrayList<>();
        do {
            List<Expr> parts = new ArrayList<>();
            while (!source.atEnd() && source.peek() != '|' && source.peek() != ')') {
                parts.add(counted());
            }
            alternatives.add(parts);
        } while (source.tryTake('|'));
        depth--;
        return alternatives;
    }

    private Expr counted() {
        Expr atom = atom();
        if (!Counts.isNext(source)) {
            return atom;
        }
        if (atom == START || atom == END) {
            throw source.error("a count behind an anchor");
        }
        Expr counted = Counts.read(source, atom);
        source.tryTake('?'); // lazy: the same texts match
        if (source.peek() == '+') {
            throw source.error("possessive counts are not supported");
        }
        if (Counts.isNext(source)) {
            throw source.error("a count behind a count");
        }
        return counted;
    }

    private Expr atom() {
        int c = source.take();
        return switch (c) {
            case '^' -> START;
            case '$' -> END;
            case '.' -> new Expr.Chars(Characters.DOT);
            case '[' -> new Expr.Chars(CharacterClass.read(source));
            case '(' -> group();
            case '\\' -> escape();
            case '*', '+', '?' -> throw source.error("a count with nothing before it");
            case '{' -> throw source.error("a brace that stands for itself is written \\{");
            default -> new Expr.Chars(CodePoints.of(c));
        };
    }

    private Expr escape() {
        int c = source.peek();
        CodePoints named = Characters.named(c);
        if (named != null) {
            source.take();
            return new Expr.Chars(named);
        }
        switch (c) {
            case 'b', 'B' -> throw source.error("borders of words (\\b) are not supported");
            case 'A', 'Z', 'z', 'G' -> throw source.error("\\" + (char) c + " is not supported; use ^ and $");
            case 'p', 'P' -> throw source.error("\\p{...} is not supported; write the ranges");
            case 'k', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> throw source.error(
                    "back references are not supported: they are not regular");
            default -> {
                return new Expr.Chars(CodePoints.of(CharacterClass.escaped(source)));
            }
        }
    }

    private Expr group() {
        if (source.tryTake('?')) {
            boolean plain = source.tryTake(':') || tryTakeName();
            if (!plain) {
                throw source.error("groups that begin with (?" + Character.toString(Math.max(source.peek(), ' '))
                        + " are not supported; neither flags nor looking ahead or behind is");
            }
        }
        List<Expr> options = new ArrayList<>();
        for (List<Expr> parts : alternatives()) {
            requireNoAnchor(parts);
            options.add(new Expr.Seq(parts));
        }
        source.expect(')');
        return new Expr.Alt(options);
    }

    private boolean tryTakeName() {
        boolean behind = source.peek() == '<' && (source.peek(1) == '=' || source.peek(1) == '!');
        if (behind || !source.tryTake("P<") && !source.tryTake('<')) {
            return false;
        }
        while (source.take() != '>') {
            if (source.atEnd()) {
                throw source.error("a group's name without an end");
            }
        }
        return true;
    }

    private void requireNoAnchor(List<Expr> parts) {
        if (parts.stream().anyMatch(part -> part == START || part == END)) {
            throw source.error("anchors (^ and $) are supported at the very beginning and end of an alternative alone");
        }
    }
}
