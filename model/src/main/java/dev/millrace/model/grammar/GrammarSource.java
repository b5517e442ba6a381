package dev.millrace.model.grammar;

import java.io.Serializable;

/**
 * A grammar as a request gives it.
 *
 * @param kind how the text is read
 * @param text the JSON schema, the regular expression, or the EBNF
 */
public record GrammarSource(Kind kind, String text) implements Serializable {

    /** How a grammar's text is read. */
    public enum Kind {
        /** A JSON schema: answers are documents that it allows. */
        JSON_SCHEMA,
        /** A regular expression that the whole answer matches. */
        REGEX,
        /** A grammar in EBNF whose rule {@code root} the answer follows. */
        EBNF,
        /** A JSON array of texts: the answer is one of them. */
        CHOICE
    }
}
