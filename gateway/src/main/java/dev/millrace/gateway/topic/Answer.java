package dev.millrace.gateway.topic;

import dev.millrace.schemas.EventError;
import dev.millrace.schemas.TokenEvent;
import java.util.ArrayList;
import java.util.List;

/** One choice's tokens so far; their number is the high-water mark. */
final class Answer {

    private final List<Integer> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final PromptMark prompt = new PromptMark();
    private boolean finished;

    AnswerUpdate accept(TokenEvent event) {
        int first = event.getFirstPosition();
        int known = Math.min(tokens.size() - first, event.getTokenIds().size());
        if (known < 0 || !prompt.joins(event)) {
            return new AnswerUpdate(null, false, missing(first));
        }
        return add(prompt.trim(event), first, known);
    }

    private AnswerUpdate add(TokenEvent event, int first, int known) {
        EventError fault = agrees(event, first, known) ? null : diverged(first, event.getAttempt());
        tokens.addAll(tail(event.getTokenIds(), known));
        tail(event.getText(), known).forEach(text::append);
        boolean ends = event.getFinishReason() != null && !finished;
        finished |= ends;
        boolean unheard = known == 0 && (ends || event.getFinishReason() == null);
        return new AnswerUpdate(unheard ? event : trimmed(event, known, ends), ends, fault);
    }

    private boolean agrees(TokenEvent event, int first, int known) {
        String knownText = String.join("", event.getText().subList(0, known));
        return tokens.subList(first, first + known).equals(event.getTokenIds().subList(0, known))
                && text.toString().startsWith(knownText, event.getTextStart());
    }

    /** The event without its first {@code known} tokens, and without an end that was heard before. */
    private static TokenEvent trimmed(TokenEvent event, int known, boolean ends) {
        String knownText = String.join("", event.getText().subList(0, known));
        return TokenEvent.newBuilder(event)
                .setFirstPosition(event.getFirstPosition() + known)
                .setTokenIds(tail(event.getTokenIds(), known))
                .setText(tail(event.getText(), known))
                .setTextStart(event.getTextStart() + knownText.length())
                .setLogprobs(event.getLogprobs() == null ? null : tail(event.getLogprobs(), known))
                .setFinishReason(ends ? event.getFinishReason() : null)
                .setStopReason(ends ? event.getStopReason() : null)
                .build();
    }

    private static <T> List<T> tail(List<T> list, int from) {
        return List.copyOf(list.subList(from, list.size()));
    }

    private EventError missing(int first) {
        return new EventError(
                "events_missing",
                "an event starts at token " + first + ", what is before it was not all seen: " + tokens.size()
                        + " tokens were",
                null);
    }

    private static EventError diverged(int first, int attempt) {
        return new EventError(
                "replay_diverged",
                "after a restart, tokens from " + first + " on of attempt " + attempt
                        + " differ from those that were read before",
                null);
    }
}
