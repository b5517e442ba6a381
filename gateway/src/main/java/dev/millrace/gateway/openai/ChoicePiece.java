package dev.millrace.gateway.openai;

import dev.millrace.schemas.PositionLogprobs;
import java.util.List;

/**
 * Some tokens of an answer, or all of them.
 *
 * @param index the answer's number among all of the call
 * @param offset characters (code points) of the answer before these tokens
 * @param prompt what is told of the prompt along with them; null: nothing
 * @param logprobs one for each token, or null
 * @param finishReason null if the answer goes on
 * @param stopReason the text or token that ended it, or null
 * @param diverged where a replay differed from what was sent before, or null
 */
record ChoicePiece(
        int index,
        int offset,
        PromptPart prompt,
        String text,
        List<Integer> tokenIds,
        List<PositionLogprobs> logprobs,
        String finishReason,
        Object stopReason,
        String diverged) {}
