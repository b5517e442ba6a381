package dev.millrace.job.kafka;

import dev.millrace.schemas.EventError;
import dev.millrace.schemas.TokenEvent;
import java.util.ArrayList;
import java.util.List;

/** One choice's tokens so far; their number is the high-water mark. */
final class Answer {

    private final List<Integer> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private boolean finished;

    AnswerUpdate accept(TokenEvent event) {
        int first = event.getFirstPosition();
        int known = Math.min(tokens.size() - first, event.getTokenIds().size());
        if (known < 0) {
            return fault(
                    "events_missing",
                    "an event starts at token " + first + ", the tokens before it from " + tokens.size()
                            + " on were not seen");
        }
        String knownText = String.join("", event.getText().subList(0, known));
        if (!tokens.subList(first, first + known).equals(event.getTokenIds().subList(0, known))
                || !text.toString().startsWith(knownText, event.getTextStart())) {
            return fault(
                    "replay_diverged",
                    "after a restart, tokens from " + first + " on of attempt " + event.getAttempt()
                            + " differ from those that were read before");
        }
        return append(event, known);
    }

    private AnswerUpdate append(TokenEvent event, int known) {
        List<Integer> newTokens = List.copyOf(
                event.getTokenIds().subList(known, event.getTokenIds().size()));
        String newText =
                String.join("", event.getText().subList(known, event.getText().size()));
        tokens.addAll(newTokens);
        text.append(newText);
        boolean ends = event.getFinishReason() != null && !finished;
        finished |= ends;
        return new AnswerUpdate(newTokens, newText, ends, null);
    }

    private static AnswerUpdate fault(String code, String message) {
        return new AnswerUpdate(List.of(), "", false, new EventError(code, message, null));
    }
}
