package dev.millrace.bench.recovery;

import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.IsolationLevel;

/** The answers that a reader of committed events finds in the token topic. */
final class CommittedAnswers implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final TokenReader reader;
    private final Map<String, Committed> answers = new HashMap<>();
    private int ended;

    CommittedAnswers(KafkaConfig kafka) {
        reader = new TokenReader(kafka, IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST);
    }

    /** An answer as it stands in the topic. */
    static final class Committed {

        private final List<Integer> tokens = new ArrayList<>();
        private final StringBuilder text = new StringBuilder();
        private int lastAttempt;
        private int misplaced;

        void accept(TokenEvent event) {
            misplaced += event.getFirstPosition() == tokens.size() ? 0 : 1;
            tokens.addAll(event.getTokenIds());
            event.getText().forEach(text::append);
            lastAttempt = event.getAttempt();
        }

        List<Integer> tokens() {
            return tokens;
        }

        String text() {
            return text.toString();
        }

        /** Events that did not join up with what was before. */
        int misplaced() {
            return misplaced;
        }

        /** Whether a job that had crashed before ended it. */
        boolean wasCut() {
            return lastAttempt > 0;
        }
    }

    /**
     * Reads on until so many answers have ended.
     *
     * @param check throws if no more can be expected
     * @return every answer by its request's id
     */
    Map<String, Committed> await(int count, Runnable check) throws IOException {
        long last = System.nanoTime();
        while (ended < count) {
            List<TokenEvent> events = reader.poll(POLL);
            events.forEach(this::accept);
            if (!events.isEmpty()) {
                last = System.nanoTime();
            }
            if (System.nanoTime() - last > PATIENCE.toNanos()) {
                throw new IllegalStateException("%d of %d answers were committed, then nothing for %d s"
                        .formatted(ended, count, PATIENCE.toSeconds()));
            }
            check.run();
        }
        return answers;
    }

    private void accept(TokenEvent event) {
        answers.computeIfAbsent(event.getRequestId(), id -> new Committed()).accept(event);
        ended += event.getFinishReason() == null ? 0 : 1;
    }

    @Override
    public void close() {
        reader.close();
    }
}
