package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.grammar.automaton.CodePoints;
import dev.millrace.model.grammar.automaton.Dfa;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.Work;
import dev.millrace.model.grammar.syntax.Regex;
import java.util.ArrayList;
import java.util.List;

/** Strings, and what says how long they are and what they look like. */
final class StringSchema {

    private static final Expr CHARACTER = JsonTerms.encoded(new Expr.Chars(CodePoints.ALL));

    private StringSchema() {}

    static Expr expr(JsonNode schema, Work work) {
        List<Expr> contents = contents(schema);
        if (contents.isEmpty()) {
            return JsonTerms.STRING;
        }
        if (contents.size() == 1) {
            return JsonTerms.quoted(contents.get(0));
        }
        Dfa all = Dfa.of(contents.get(0), work);
        for (Expr content : contents.subList(1, contents.size())) {
            all = all.and(Dfa.of(content, work), work);
        }
        return JsonTerms.quoted(new Expr.Regular(all));
    }

    /** Strings with no character escaped that need not be, other than some. */
    static Expr other(List<String> names, Work work) {
        List<Expr> texts =
                names.stream().map(name -> JsonTerms.encoded(Expr.text(name))).toList();
        Dfa any = Dfa.of(Expr.star(CHARACTER), work);
        return JsonTerms.quoted(new Expr.Regular(any.minus(Dfa.of(new Expr.Alt(texts), work), work)));
    }

    static Expr literal(String value) {
        return JsonTerms.quoted(JsonTerms.encoded(Expr.text(value)));
    }

    private static List<Expr> contents(JsonNode schema) {
        List<Expr> contents = new ArrayList<>();
        int min = Keywords.count(schema, "minLength", 0);
        int max = Keywords.count(schema, "maxLength", Expr.UNBOUNDED);
        if (min > 0 || max != Expr.UNBOUNDED) {
            contents.add(new Expr.Repeat(CHARACTER, min, Keywords.inOrder("Length", min, max)));
        }
        JsonNode pattern = schema.get("pattern");
        if (pattern != null) {
            contents.add(JsonTerms.encoded(pattern(pattern)));
        }
        JsonNode format = schema.get("format");
        if (format != null) {
            contents.add(JsonTerms.encoded(Regex.whole(format(format))));
        }
        return contents;
    }

    private static Expr pattern(JsonNode pattern) {
        if (!pattern.isTextual()) {
            throw new GrammarException("pattern must be a string, got " + pattern);
        }
        try {
            return Regex.anywhere(pattern.textValue());
        } catch (GrammarException e) {
            throw new GrammarException("pattern " + pattern + ": " + e.getMessage());
        }
    }

    private static String format(JsonNode format) {
        String regex = format.isTextual() ? Formats.pattern(format.textValue()) : null;
        if (regex == null) {
            throw new GrammarException("format " + format + " is not supported; supported are " + Formats.names());
        }
        return regex;
    }
}
