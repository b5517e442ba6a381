package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Arrays: what stands first, what behind that, and how many there are. */
final class ArraySchema {

    private final List<Expr> first = new ArrayList<>();
    private final Expr rest;
    private final int min;
    private final int max;

    /**
     * @param values makes the values of a schema
     */
    ArraySchema(JsonNode schema, Function<JsonNode, Expr> values) {
        JsonNode items = schema.get("items");
        JsonNode prefix = schema.get("prefixItems");
        if (items != null && items.isArray()) {
            throw new GrammarException("items must be a schema, got an array; use prefixItems");
        }
        if (prefix != null) {
            if (!prefix.isArray()) {
                throw new GrammarException("prefixItems must be an array of schemas");
            }
            prefix.forEach(item -> first.add(values.apply(item)));
        }
        boolean closed = items == null ? prefix != null || schema.has("unevaluatedItems") : isFalse(items);
        rest = closed ? null : items == null ? JsonTerms.VALUE : values.apply(items);
        min = Keywords.count(schema, "minItems", 0);
        int asked = Keywords.inOrder("Items", min, Keywords.count(schema, "maxItems", Expr.UNBOUNDED));
        max = !closed ? asked : asked == Expr.UNBOUNDED ? first.size() : Math.min(asked, first.size());
        if (closed && min > max) {
            throw new GrammarException("minItems is " + min + ", but only " + max + " items are allowed");
        }
    }

    Expr expr() {
        if (first.isEmpty()) {
            return JsonTerms.list("[", rest == null ? Expr.alt() : rest, "]", min, rest == null ? 0 : max);
        }
        List<Expr> options = new ArrayList<>();
        if (min == 0) {
            options.add(Expr.seq(Expr.text("["), JsonTerms.SPACE, Expr.text("]")));
        }
        if (max != 0) {
            options.add(Expr.seq(
                    Expr.text("["), JsonTerms.SPACE, first.get(0), following(1), JsonTerms.SPACE, Expr.text("]")));
        }
        return new Expr.Alt(options);
    }

    /** What follows so many items. */
    private Expr following(int count) {
        if (count < first.size() && count != max) {
            Expr more = Expr.seq(JsonTerms.next(first.get(count)), following(count + 1));
            return count >= min ? Expr.optional(more) : more;
        }
        if (rest == null || count == max) {
            return Expr.EMPTY;
        }
        int most = max == Expr.UNBOUNDED ? max : max - count;
        return new Expr.Repeat(JsonTerms.next(rest), Math.max(0, min - count), most);
    }

    private static boolean isFalse(JsonNode schema) {
        return schema.isBoolean() && !schema.booleanValue();
    }
}
