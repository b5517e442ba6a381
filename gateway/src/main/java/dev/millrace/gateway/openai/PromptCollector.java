package dev.millrace.gateway.openai;

import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import java.util.ArrayList;
import java.util.List;

/** Puts together what the events of one prompt tell of it; all of that comes before the first token. */
final class PromptCollector {

    private final List<Integer> ids;
    private final StringBuilder text = new StringBuilder();
    private final List<PositionLogprobs> logprobs;

    /**
     * @param ids its tokens, or null
     * @param scored whether the log-probabilities of its tokens were asked for; a prompt of one token has none to tell
     */
    PromptCollector(List<Integer> ids, boolean scored) {
        this.ids = ids;
        logprobs = scored ? new ArrayList<>() : null;
    }

    /** Takes an event in. The text comes with each answer; what is here already is not taken again. */
    void accept(TokenEvent event) {
        if (event.getPromptText() != null) {
            int known = text.length() - event.getPromptTextStart();
            text.append(
                    event.getPromptText(),
                    Math.min(known, event.getPromptText().length()),
                    event.getPromptText().length());
        }
        if (logprobs != null && event.getPromptLogprobs() != null) {
            logprobs.addAll(event.getPromptLogprobs());
        }
    }

    PromptPart part() {
        return new PromptPart(text.toString(), ids, logprobs);
    }
}
