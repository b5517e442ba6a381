package dev.millrace.model.grammar;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.Place;
import dev.millrace.model.grammar.automaton.RuleSet;
import dev.millrace.model.grammar.schema.JsonSchema;
import dev.millrace.model.grammar.syntax.Ebnf;
import dev.millrace.model.grammar.syntax.Regex;
import dev.millrace.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Compiles grammars over one vocabulary and keeps those used last. Safe for use by several threads. */
public final class GrammarCompiler {

    /** Longest text of a grammar, in characters. */
    public static final int MAX_LENGTH = 1 << 18;

    private static final int MAX_CACHED = 64;
    private static final long MAX_CACHED_BYTES = 64L << 20;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final TokenTrie trie;
    private final Map<GrammarSource, Grammar> cache = new LinkedHashMap<>(16, 0.75f, true);
    private long cachedBytes;

    /**
     * @param vocabSize rows of the logits; tokens that the tokenizer does not know, or that are special, fit no grammar
     */
    public GrammarCompiler(Tokenizer tokenizer, int vocabSize) {
        this.trie = new TokenTrie(tokenizer, vocabSize);
    }

    /**
     * Takes up to seconds for a large grammar.
     *
     * @throws GrammarException if it cannot be used; says why
     */
    public Grammar compile(GrammarSource source) {
        synchronized (cache) {
            Grammar before = cache.get(source);
            if (before != null) {
                return before;
            }
        }
        RuleSet rules = new RuleSet();
        Place start = start(source, rules);
        Grammar made = new Grammar(start, rules.work().states(), trie);
        keep(source, made);
        return made;
    }

    /** Those used longest ago go first. */
    private void keep(GrammarSource source, Grammar made) {
        synchronized (cache) {
            Grammar other = cache.put(source, made);
            cachedBytes += made.bytes() - (other == null ? 0 : other.bytes());
            Iterator<Grammar> eldest = cache.values().iterator();
            while (cache.size() > MAX_CACHED || cachedBytes > MAX_CACHED_BYTES && cache.size() > 1) {
                cachedBytes -= eldest.next().bytes();
                eldest.remove();
            }
        }
    }

    private static Place start(GrammarSource source, RuleSet rules) {
        if (source.text().length() > MAX_LENGTH) {
            throw new GrammarException(
                    "it has " + source.text().length() + " characters; at most " + MAX_LENGTH + " are allowed");
        }
        switch (source.kind()) {
            case JSON_SCHEMA:
                return rules.compile(JsonSchema.read(source.text(), rules));
            case EBNF:
                Ebnf.read(source.text(), rules);
                break;
            case REGEX:
                rules.define(Ebnf.ROOT, Regex.whole(source.text()));
                break;
            case CHOICE:
                rules.define(Ebnf.ROOT, choice(source.text()));
                break;
        }
        return rules.compile(Ebnf.ROOT);
    }

    private static Expr choice(String texts) {
        List<Expr> options = new ArrayList<>();
        try {
            for (JsonNode text : MAPPER.readTree(texts)) {
                options.add(Expr.text(text.textValue()));
            }
        } catch (JsonProcessingException e) {
            throw new GrammarException("the choices are no JSON array: " + e.getOriginalMessage());
        }
        return new Expr.Alt(options);
    }
}
