package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.grammar.GrammarCompiler;
import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.sequence.GenerationParams;

/** Compiles the grammars that answers are bound to; refuses in vLLM's words. Safe for use by several threads. */
public final class Grammars {

    private static final String PARAM = "structured_outputs";

    private final GrammarCompiler compiler;

    /**
     * @param vocabSize rows of the logits
     */
    public Grammars(Tokenizer tokenizer, int vocabSize) {
        this.compiler = new GrammarCompiler(tokenizer, vocabSize);
    }

    /**
     * The grammar of an answer, or null where it is bound to none. May take seconds.
     *
     * @throws InvalidInputException if the grammar cannot be used
     */
    public Grammar compile(GenerationParams params) {
        GrammarSource source = params.grammar();
        if (source == null) {
            return null;
        }
        try {
            Grammar grammar = compiler.compile(source);
            grammar.start(params.sampling().stopIds()).mask(); // finds here and now that no token fits
            return grammar;
        } catch (GrammarException e) {
            throw new InvalidInputException(failure(source) + e.getMessage(), PARAM, e);
        }
    }

    private static String failure(GrammarSource source) {
        return switch (source.kind()) {
            case JSON_SCHEMA -> "Failed to transform json schema into a grammar: ";
            case REGEX -> "Failed to transform regex into a grammar: ";
            case CHOICE -> "Failed to transform choices into a grammar: ";
            case EBNF -> "Invalid grammar specification: ";
        };
    }
}
