package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.CodePoints;

/** Named sets of characters of regular expressions, ASCII as in ECMA 262 and Java without flags. */
final class Characters {

    static final CodePoints DIGIT = CodePoints.of('0', '9');
    static final CodePoints WORD =
            DIGIT.or(CodePoints.of('a', 'z')).or(CodePoints.of('A', 'Z')).or(CodePoints.of('_'));
    static final CodePoints SPACE = CodePoints.anyOf(" \t\n\u000b\f\r");

    /** What a dot stands for: no end of a line, in ECMA 262 and in Java. */
    static final CodePoints DOT = CodePoints.anyOf("\n\r\u0085\u2028\u2029").not();

    private Characters() {}

    /** The set of {@code \d}, {@code \W} and the like, or null. */
    static CodePoints named(int letter) {
        return switch (letter) {
            case 'd' -> DIGIT;
            case 'D' -> DIGIT.not();
            case 'w' -> WORD;
            case 'W' -> WORD.not();
            case 's' -> SPACE;
            case 'S' -> SPACE.not();
            default -> null;
        };
    }

    /** The character of {@code \n} and the like, or −1. */
    static int control(int letter) {
        return switch (letter) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'f' -> '\f';
            case 'v' -> 0x0b;
            case 'a' -> 0x07;
            case 'b' -> '\b';
            case 'e' -> 0x1b;
            case '0' -> 0;
            default -> -1;
        };
    }
}
