package dev.millrace.gateway.openai;

import dev.millrace.schemas.PositionLogprobs;
import java.util.List;

/**
 * What is told of a prompt.
 *
 * @param text its text, where it is echoed; else empty
 * @param firstToken text of its first token, where its log-probabilities are echoed; else null
 * @param logprobs of its tokens from the second on, where asked for; else null
 */
record PromptPart(String text, String firstToken, List<PositionLogprobs> logprobs) {}
