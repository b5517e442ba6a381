package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.GrammarException;

/** A text that is read character by character, and told of by line and column where it is wrong. */
final class Source {

    /** Past the end. */
    static final int NONE = -1;

    private final int[] text;
    private int at;

    Source(String text) {
        this.text = text.codePoints().toArray();
    }

    boolean atEnd() {
        return at == text.length;
    }

    int peek() {
        return peek(0);
    }

    int peek(int ahead) {
        return at + ahead < text.length ? text[at + ahead] : NONE;
    }

    int take() {
        if (atEnd()) {
            throw error("it ends too early");
        }
        return text[at++];
    }

    boolean tryTake(int c) {
        if (peek() != c) {
            return false;
        }
        at++;
        return true;
    }

    boolean tryTake(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (peek(i) != word.charAt(i)) {
                return false;
            }
        }
        at += word.length();
        return true;
    }

    void expect(int c) {
        if (!tryTake(c)) {
            throw error("expected '" + Character.toString(c) + "'");
        }
    }

    int position() {
        return at;
    }

    void returnTo(int position) {
        at = position;
    }

    /** A number in hexadecimal of so many digits. */
    int hex(int digits) {
        int value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = Character.digit(take(), 16);
            if (digit < 0) {
                at--;
                throw error("expected " + digits + " hexadecimal digits");
            }
            value = value << 4 | digit;
        }
        return codePoint(value);
    }

    /** A number in hexadecimal up to a closing brace. */
    int hexInBraces() {
        int value = 0;
        while (!tryTake('}')) {
            int digit = Character.digit(take(), 16);
            if (digit < 0 || value > Character.MAX_CODE_POINT) {
                at--;
                throw error("expected a character's number in hexadecimal");
            }
            value = value << 4 | digit;
        }
        return codePoint(value);
    }

    private int codePoint(int value) {
        boolean half = value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE;
        if (value > Character.MAX_CODE_POINT || half) {
            throw error("no character has the number " + Integer.toHexString(value));
        }
        return value;
    }

    /** A decimal number, or −1 where there is none. */
    int number() {
        if (peek() < '0' || peek() > '9') {
            return NONE;
        }
        long value = 0;
        while (peek() >= '0' && peek() <= '9') {
            value = Math.min(value * 10 + take() - '0', Integer.MAX_VALUE);
        }
        return (int) value;
    }

    GrammarException error(String what) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < at; i++) {
            column = text[i] == '\n' ? 1 : column + 1;
            line += text[i] == '\n' ? 1 : 0;
        }
        return new GrammarException("at line " + line + ", column " + column + ": " + what);
    }
}
