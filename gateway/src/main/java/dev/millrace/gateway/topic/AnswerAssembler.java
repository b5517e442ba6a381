package dev.millrace.gateway.topic;

import dev.millrace.schemas.TokenEvent;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Joins token events into answers. Keeps a high-water mark for each choice, trims what lies below it and compares what
 * overlaps, so that a reader of uncommitted events sees every token once. Remembers the latest answers only.
 */
public final class AnswerAssembler {

    private record Key(String requestId, int choice) {}

    private final Map<Key, Answer> answers;

    /** @param capacity answers remembered; the one that was begun first is forgotten first */
    public AnswerAssembler(int capacity) {
        answers = new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Key, Answer> eldest) {
                return size() > capacity;
            }
        };
    }

    /** Takes an event in and tells what it adds. */
    public AnswerUpdate accept(TokenEvent event) {
        return answers.computeIfAbsent(new Key(event.getRequestId(), event.getChoice()), key -> new Answer())
                .accept(event);
    }
}
