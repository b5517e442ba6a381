package dev.millrace.gateway.openai;

import dev.millrace.schemas.PositionLogprobs;
import java.util.List;

/**
 * What is told of a prompt.
 *
 * @param text its text, where it is echoed; else empty
 * @param ids its tokens, where asked for and known; else null
 * @param logprobs of its tokens from the second on, where asked for; else null
 */
record PromptPart(String text, List<Integer> ids, List<PositionLogprobs> logprobs) {}
