package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.CodePoints;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.RuleSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Grammars as XGrammar and llama.cpp (GBNF) read them: rules {@code name ::= ...}, texts in double quotes, character
 * classes, groups, {@code |}, counts, comments from {@code #}. The answer is by the rule {@code root}. Looking ahead,
 * attributes of rules, and XGrammar's macros are refused by name; so is Lark's syntax.
 */
public final class Ebnf {

    public static final String ROOT = "root";

    private static final int MAX_DEPTH = 200;

    private final Source source;
    private final Map<String, Expr> rules = new LinkedHashMap<>();
    private final Set<String> called = new LinkedHashSet<>();
    private int depth;

    private Ebnf(String grammar) {
        this.source = new Source(grammar);
    }

    /**
     * Reads a grammar into rules.
     *
     * @throws GrammarException saying what is wrong, and where
     */
    public static void read(String grammar, RuleSet into) {
        Ebnf reader = new Ebnf(grammar);
        reader.readRules();
        reader.requireDefined();
        new Inlining(reader.rules).inline().forEach(into::define);
    }

    private void readRules() {
        skipSpace();
        while (!source.atEnd()) {
            int start = source.position();
            String name = name();
            skipSpace();
            if (name.isEmpty() || !source.tryTake("::=")) {
                source.returnTo(start);
                throw source.error("expected a rule, as in root ::= \"yes\" | \"no\"");
            }
            Expr body = alternatives();
            if (rules.put(name, body) != null) {
                throw source.error("the rule " + name + " is defined twice");
            }
            skipSpace();
        }
    }

    private void requireDefined() {
        if (!rules.containsKey(ROOT)) {
            throw new GrammarException("there is no rule named " + ROOT + ", which says what an answer is");
        }
        for (String name : called) {
            if (!rules.containsKey(name)) {
                throw new GrammarException("the rule " + name + " is used but not defined");
            }
        }
    }

    private Expr alternatives() {
        if (++depth > MAX_DEPTH) {
            throw source.error("groups are nested over " + MAX_DEPTH + " deep");
        }
        List<Expr> options = new ArrayList<>();
        do {
            options.add(sequence());
        } while (source.tryTake('|'));
        depth--;
        return new Expr.Alt(options);
    }

    private Expr sequence() {
        List<Expr> parts = new ArrayList<>();
        skipSpace();
        while (!source.atEnd() && source.peek() != '|' && source.peek() != ')' && !isRuleNext()) {
            Expr part = atom();
            while (Counts.isNext(source)) {
                part = Counts.read(source, part);
            }
            parts.add(part);
            skipSpace();
        }
        return new Expr.Seq(parts);
    }

    private Expr atom() {
        if (source.tryTake('"')) {
            return text();
        }
        if (source.tryTake('[')) {
            return new Expr.Chars(CharacterClass.read(source));
        }
        if (source.tryTake('.')) {
            return new Expr.Chars(CodePoints.ALL);
        }
        if (source.tryTake("(=")) {
            throw source.error("looking ahead (=...) is not supported");
        }
        if (source.tryTake('(')) {
            Expr group = alternatives();
            source.expect(')');
            return group;
        }
        String name = name();
        if (name.isEmpty()) {
            throw source.error("unexpected '" + Character.toString(source.peek()) + "'");
        }
        if (source.peek() == '(') {
            throw source.error("macros such as " + name + "(...) are not supported");
        }
        called.add(name);
        return new Expr.Call(name);
    }

    private Expr text() {
        StringBuilder text = new StringBuilder();
        while (!source.tryTake('"')) {
            int c = source.take();
            if (c == '\n' || c == '\r') {
                throw source.error("a text ends on the line that it begins on; a line's end within it is written \\n");
            }
            text.appendCodePoint(c == '\\' ? CharacterClass.escaped(source) : c);
        }
        return Expr.text(text.toString());
    }

    /** Whether the next words begin another rule. */
    private boolean isRuleNext() {
        int start = source.position();
        boolean rule = !name().isEmpty();
        while (rule && (source.peek() == ' ' || source.peek() == '\t')) {
            source.take();
        }
        rule = rule && source.tryTake("::=");
        source.returnTo(start);
        return rule;
    }

    private String name() {
        StringBuilder name = new StringBuilder();
        while (isNameCharacter(source.peek(), name.length() == 0)) {
            name.appendCodePoint(source.take());
        }
        return name.toString();
    }

    private static boolean isNameCharacter(int c, boolean first) {
        return c == '_'
                || c >= 'a' && c <= 'z'
                || c >= 'A' && c <= 'Z'
                || !first && (c == '-' || c == '.' || c >= '0' && c <= '9');
    }

    private void skipSpace() {
        while (source.peek() == ' '
                || source.peek() == '\t'
                || source.peek() == '\n'
                || source.peek() == '\r'
                || source.peek() == '#') {
            if (source.take() == '#') {
                while (!source.atEnd() && source.peek() != '\n') {
                    source.take();
                }
            }
        }
    }
}
