package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** The JSON of answers, in chunks and whole, where it differs between the endpoints. */
sealed interface AnswerFormat permits ChatFormat, CompletionFormat {

    /** The choices that say, before any token, that the answer of this index begins. */
    List<ObjectNode> opening(int index);

    /** A piece of an answer, or its end. */
    ObjectNode piece(ChoicePiece piece);

    /** An answer. */
    ObjectNode whole(ChoicePiece answer);

    /**
     * Adds to a chunk what follows its choices.
     *
     * @param usage what the answer took so far, or null
     * @param opened what is told of the prompt, if the chunk opens an answer; else null
     */
    void finishChunk(ObjectNode chunk, ObjectNode usage, PromptPart opened);

    /** Adds to a response what follows its usage. */
    void finishResponse(ObjectNode response, PromptPart prompt);
}
