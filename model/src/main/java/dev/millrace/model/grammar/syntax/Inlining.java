package dev.millrace.model.grammar.syntax;

import dev.millrace.model.grammar.automaton.Expr;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts small rules that do not call themselves, by whatever way, in the place of their calls: within a rule, tables alone
 * say which tokens fit. Good for one grammar.
 */
final class Inlining {

    private static final long MOST_PARTS = 256;
    private static final int MAX_DEPTH = 500;

    private final Map<String, Expr> rules;
    private final Map<String, Expr> done = new HashMap<>();
    private final Map<String, Long> sizes = new HashMap<>();
    private final Set<String> recursive = new HashSet<>();
    private final Set<String> path = new HashSet<>();

    Inlining(Map<String, Expr> rules) {
        this.rules = rules;
    }

    Map<String, Expr> inline() {
        Map<String, Expr> inlined = new LinkedHashMap<>();
        rules.keySet().forEach(name -> inlined.put(name, body(name)));
        return inlined;
    }

    private Expr body(String name) {
        Expr before = done.get(name);
        if (before != null) {
            return before;
        }
        path.add(name);
        Expr body = replace(rules.get(name));
        path.remove(name);
        done.put(name, body);
        sizes.put(name, size(body));
        return body;
    }

    private Expr replace(Expr expr) {
        if (expr instanceof Expr.Call call) {
            return called(call);
        }
        if (expr instanceof Expr.Seq seq) {
            return new Expr.Seq(all(seq.parts()));
        }
        if (expr instanceof Expr.Alt alt) {
            return new Expr.Alt(all(alt.options()));
        }
        if (expr instanceof Expr.Repeat repeat) {
            return new Expr.Repeat(replace(repeat.inner()), repeat.min(), repeat.max());
        }
        return expr;
    }

    private List<Expr> all(List<Expr> parts) {
        return parts.stream().map(this::replace).toList();
    }

    private Expr called(Expr.Call call) {
        if (path.contains(call.rule()) || path.size() > MAX_DEPTH) {
            recursive.addAll(path);
            return call;
        }
        Expr body = body(call.rule());
        return recursive.contains(call.rule()) || sizes.get(call.rule()) > MOST_PARTS ? call : body;
    }

    private static long size(Expr expr) {
        if (expr instanceof Expr.Seq seq) {
            return 1 + seq.parts().stream().mapToLong(Inlining::size).sum();
        }
        if (expr instanceof Expr.Alt alt) {
            return 1 + alt.options().stream().mapToLong(Inlining::size).sum();
        }
        if (expr instanceof Expr.Repeat repeat) {
            long times = Math.max(1, Math.max(repeat.min(), repeat.max()));
            return Math.min(MOST_PARTS + 1, times) * size(repeat.inner());
        }
        return 1;
    }
}
