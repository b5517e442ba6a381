package dev.millrace.job.kafka;

import dev.millrace.schemas.EventError;
import java.util.List;

/**
 * What an event added to an answer.
 *
 * @param newTokens tokens that were not there before
 * @param newText their text
 * @param finished whether the answer ended with this event; true once
 * @param fault {@code replay_diverged} if the event differs from what was there before, {@code events_missing} if it does not
 *     join up with it, else null; the event then adds nothing
 */
public record AnswerUpdate(List<Integer> newTokens, String newText, boolean finished, EventError fault) {}
