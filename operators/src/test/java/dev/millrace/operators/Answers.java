package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a reader of committed events makes of them; refuses a token that is missing, comes twice or after the end. */
final class Answers {

    private final Map<String, Answer> byRequest = new LinkedHashMap<>();

    static Answers of(List<TokenEvent> events) {
        var answers = new Answers();
        events.forEach(answers::add);
        return answers;
    }

    private void add(TokenEvent event) {
        String name = choice(event.getRequestId(), event.getChoice());
        Answer answer = byRequest.computeIfAbsent(name, id -> new Answer());
        assertThat(answer.last).as("nothing follows the end of %s", name).isNull();
        assertThat(event.getFirstPosition()).isEqualTo(answer.tokens.size());
        answer.addPrompt(event);
        assertThat(event.getTextStart()).isEqualTo(answer.text.length());
        assertThat(event.getText()).hasSameSizeAs(event.getTokenIds());
        answer.tokens.addAll(event.getTokenIds());
        event.getText().forEach(answer.text::append);
        if (event.getFinishReason() != null) {
            answer.last = event;
        }
    }

    /** What one of a request's answers is called here; the first has the request's id. */
    static String choice(String id, int choice) {
        return choice == 0 ? id : id + "#" + choice;
    }

    boolean isFinished(String id) {
        return byRequest.containsKey(id) && byRequest.get(id).last != null;
    }

    List<Integer> tokens(String id) {
        return byRequest.containsKey(id) ? byRequest.get(id).tokens : List.of();
    }

    String text(String id) {
        return byRequest.get(id).text.toString();
    }

    List<PositionLogprobs> promptLogprobs(String id) {
        return byRequest.get(id).promptLogprobs;
    }

    String promptText(String id) {
        return byRequest.get(id).promptText.toString();
    }

    /** The event that ended the request. */
    TokenEvent last(String id) {
        return byRequest.get(id).last;
    }

    /** Every request's text, by its id. */
    Map<String, String> texts() {
        Map<String, String> texts = new LinkedHashMap<>();
        byRequest.keySet().forEach(id -> texts.put(id, text(id)));
        return texts;
    }

    private static final class Answer {
        private final List<Integer> tokens = new ArrayList<>();
        private final StringBuilder text = new StringBuilder();
        private final List<PositionLogprobs> promptLogprobs = new ArrayList<>();
        private final StringBuilder promptText = new StringBuilder();
        private TokenEvent last;

        private void addPrompt(TokenEvent event) {
            if (event.getPromptLogprobs() != null) {
                assertThat(tokens).as("tokens before the prompt's").isEmpty();
                assertThat(event.getPromptLogprobsStart()).isEqualTo(promptLogprobs.size() + 1);
                promptLogprobs.addAll(event.getPromptLogprobs());
            }
            if (event.getPromptText() != null) {
                assertThat(tokens).as("tokens before the prompt").isEmpty();
                assertThat(event.getPromptTextStart()).isEqualTo(promptText.length());
                promptText.append(event.getPromptText());
            }
        }
    }
}
