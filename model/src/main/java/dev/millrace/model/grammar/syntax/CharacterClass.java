package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.CodePoints;
import java.util.List;

/** What stands in brackets: characters, ranges, named sets; not those, where it begins with {@code ^}. */
final class CharacterClass {

    private CharacterClass() {}

    /** Reads it from behind its opening bracket to its closing one. */
    static CodePoints read(Source source) {
        boolean negated = source.tryTake('^');
        CodePoints set = new CodePoints(List.of());
        while (!source.tryTake(']')) {
            if (source.peek() == '[' && (source.peek(1) == ':' || source.peek(1) == '.' || source.peek(1) == '=')) {
                throw source.error("POSIX classes such as [:alpha:] are not supported; write the ranges");
            }
            if (source.peek() == '&' && source.peek(1) == '&') {
                throw source.error("intersections of character classes (&&) are not supported");
            }
            CodePoints named = source.peek() == '\\' ? Characters.named(source.peek(1)) : null;
            if (named != null) {
                source.take();
                source.take();
                set = set.or(named);
            } else {
                set = set.or(range(source));
            }
        }
        return negated ? set.not() : set;
    }

    private static CodePoints range(Source source) {
        int low = character(source);
        if (source.peek() != '-' || source.peek(1) == ']' || source.peek(1) == Source.NONE) {
            return CodePoints.of(low);
        }
        source.take();
        if (source.peek() == '\\' && Characters.named(source.peek(1)) != null) {
            throw source.error("a range cannot end with a set of characters");
        }
        int high = character(source);
        if (high < low) {
            throw source.error("a range from '" + Character.toString(low) + "' to '" + Character.toString(high) + "'");
        }
        return CodePoints.of(low, high);
    }

    private static int character(Source source) {
        int c = source.take();
        return c == '\\' ? escaped(source) : c;
    }

    /** The character of an escape, from behind its backslash. */
    static int escaped(Source source) {
        int c = source.take();
        switch (c) {
            case 'x':
                return source.tryTake('{') ? source.hexInBraces() : source.hex(2);
            case 'u':
                return source.tryTake('{') ? source.hexInBraces() : source.hex(4);
            case 'U':
                return source.hex(8);
            default:
        }
        int control = Characters.control(c);
        if (control >= 0) {
            return control;
        }
        boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '1' && c <= '9';
        if (letter) {
            throw source.error("\\" + Character.toString(c) + " is not supported");
        }
        return c;
    }
}
