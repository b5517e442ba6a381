package dev.millrace.gateway.topic;

import dev.millrace.schemas.EventError;
import dev.millrace.schemas.TokenEvent;
import java.util.List;

/**
 * What an event added to an answer.
 *
 * @param event the event without what was there before; null where events are missing
 * @param finished whether the answer ended with this event; true once
 * @param fault {@code replay_diverged} if the event differs from what was there before, {@code events_missing} if it does not
 *     join up with it, else null
 */
public record AnswerUpdate(TokenEvent event, boolean finished, EventError fault) {

    /** Tokens that were not there before. */
    public List<Integer> newTokens() {
        return event == null ? List.of() : event.getTokenIds();
    }

    /** Their text. */
    public String newText() {
        return event == null ? "" : String.join("", event.getText());
    }

    /** Whether the event has anything that was not there before. */
    boolean isNews() {
        return finished
                || !event.getTokenIds().isEmpty()
                || event.getPromptLogprobs() != null
                || event.getPromptText() != null;
    }
}
