package dev.millrace.operators.sequence;

import dev.millrace.model.prompt.PreparedPrompt;

/** One answer in the making: its tokens, known and in flight, and where it stands. Belongs to the engine's thread. */
public final class Sequence {

    private final String requestId;
    private final int choice;
    private final long arrival;
    private final int priority;
    private final PreparedPrompt prompt;
    private final GenerationParams params;

    /**
     * @param requestId the request's id
     * @param choice which of the request's answers
     * @param arrival number of the request in order of arrival at the subtask
     * @param priority lower goes first under the priority policy
     * @param output tokens generated before (restored from a checkpoint), usually none
     * @param emittedChars characters of the answer that were emitted before
     */
    public Sequence(
            String requestId,
            int choice,
            long arrival,
            int priority,
            PreparedPrompt prompt,
            GenerationParams params,
            int[] output,
            int emittedChars) {
        this.requestId = requestId;
        this.choice = choice;
        this.arrival = arrival;
        this.priority = priority;
        this.prompt = prompt;
        this.params = params;
    }

    public String requestId() {
        return requestId;
    }

    public int choice() {
        return choice;
    }

    public long arrival() {
        return arrival;
    }

    public int priority() {
        return priority;
    }

    public PreparedPrompt prompt() {
        return prompt;
    }

    public GenerationParams params() {
        return params;
    }
}
