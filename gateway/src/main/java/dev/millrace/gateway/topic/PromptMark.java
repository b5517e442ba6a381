package dev.millrace.gateway.topic;

import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import java.util.List;

/** How much of the prompt's log-probabilities and text was seen with one choice. */
final class PromptMark {

    private int nextPosition = 1; // the first token has no log-probability
    private int nextCharacter;

    /** Whether the event joins up with what was seen. */
    boolean joins(TokenEvent event) {
        return knownPositions(event) >= 0 && knownCharacters(event) >= 0;
    }

    /** The event without what was seen before; from now on the rest is seen, too. */
    TokenEvent trim(TokenEvent event) {
        int positions = knownPositions(event);
        int characters = knownCharacters(event);
        TokenEvent trimmed = positions == 0 && characters == 0 ? event : without(event, positions, characters);
        if (event.getPromptLogprobs() != null) {
            int end = event.getPromptLogprobsStart() + event.getPromptLogprobs().size();
            nextPosition = Math.max(nextPosition, end);
        }
        if (event.getPromptText() != null) {
            int end = event.getPromptTextStart() + event.getPromptText().length();
            nextCharacter = Math.max(nextCharacter, end);
        }
        return trimmed;
    }

    private static TokenEvent without(TokenEvent event, int positions, int characters) {
        List<PositionLogprobs> logprobs = event.getPromptLogprobs();
        String text = event.getPromptText();
        boolean allPositions = logprobs == null || positions == logprobs.size();
        boolean allCharacters = text == null || characters == text.length();
        return TokenEvent.newBuilder(event)
                .setPromptLogprobs(allPositions ? null : List.copyOf(logprobs.subList(positions, logprobs.size())))
                .setPromptLogprobsStart(event.getPromptLogprobsStart() + positions)
                .setPromptText(allCharacters ? null : text.substring(characters))
                .setPromptTextStart(event.getPromptTextStart() + characters)
                .build();
    }

    private int knownPositions(TokenEvent event) {
        List<PositionLogprobs> logprobs = event.getPromptLogprobs();
        return logprobs == null ? 0 : Math.min(nextPosition - event.getPromptLogprobsStart(), logprobs.size());
    }

    private int knownCharacters(TokenEvent event) {
        String text = event.getPromptText();
        return text == null ? 0 : Math.min(nextCharacter - event.getPromptTextStart(), text.length());
    }
}
