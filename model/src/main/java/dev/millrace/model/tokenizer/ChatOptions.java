package dev.millrace.model.tokenizer;

import dev.millrace.model.InvalidInputException;

/**
 * How a conversation is rendered.
 *
 * @param addGenerationPrompt whether the prompt ends where the assistant's answer begins
 * @param continueFinalMessage whether the prompt ends behind the text of the last message, with which the answer goes on
 * @param variables what the template reads beside the messages
 */
public record ChatOptions(boolean addGenerationPrompt, boolean continueFinalMessage, TemplateVariables variables) {

    public static final ChatOptions DEFAULT = new ChatOptions(true, false, TemplateVariables.NONE);

    /** @throws InvalidInputException if the prompt were to end in two places */
    public ChatOptions {
        if (addGenerationPrompt && continueFinalMessage) {
            throw new InvalidInputException(
                    "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
                            + " (add_generation_prompt is true unless it is set to false.)",
                    "continue_final_message");
        }
    }
}
