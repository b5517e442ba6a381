package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A grammar's rules while it is put together. */
public final class RuleSet {

    private final Map<String, Expr> rules = new LinkedHashMap<>();
    private final Work work = new Work();

    /** What compiling this grammar has cost and may still. */
    public Work work() {
        return work;
    }

    public void define(String name, Expr body) {
        rules.put(name, body);
    }

    public boolean isDefined(String name) {
        return rules.containsKey(name);
    }

    public Expr body(String name) {
        return rules.get(name);
    }

    public List<String> names() {
        return List.copyOf(rules.keySet());
    }

    /**
     * Where an answer by the rule {@code root} starts.
     *
     * @throws GrammarException if the grammar is too large, or no text at all fits it
     */
    public Place compile(String root) {
        Map<String, Integer> numbers = new HashMap<>();
        rules.keySet().forEach(name -> numbers.put(name, numbers.size()));
        List<Dfa> automata = new ArrayList<>();
        rules.values().forEach(body -> automata.add(Dfa.of(body, numbers, work)));
        Rule rule = new Linker(automata, work).link().get(numbers.get(root));
        if (rule.start() == null) {
            throw new GrammarException("no text fits it");
        }
        return Place.start(rule.start());
    }
}
