package dev.millrace.gateway.openai;

import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import java.util.ArrayList;
import java.util.List;

/** Puts together what the events of one prompt tell of it; all of that comes before the first token. */
final class PromptCollector {

    private final List<Integer> ids;
    private final StringBuilder text = new StringBuilder();
    private List<PositionLogprobs> logprobs;

    /** @param ids its tokens, or null */
    PromptCollector(List<Integer> ids) {
        this.ids = ids;
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
        if (event.getPromptLogprobs() != null) {
            logprobs = logprobs == null ? new ArrayList<>() : logprobs;
            logprobs.addAll(event.getPromptLogprobs());
        }
    }

    PromptPart part() {
        return new PromptPart(text.toString(), ids, logprobs);
    }
}
