package dev.millrace.bench;

import dev.millrace.gateway.topic.AnswerAssembler;
import dev.millrace.gateway.topic.AnswerUpdate;
import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.job.kafka.Topics;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.IsolationLevel;

/** Asks prompts through Kafka and reads the answers as they are made, as a live reader does: before they are committed. */
final class JobClient implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration SILENCE = Duration.ofMinutes(3); // the first answers wait for the model

    private final PromptProducer producer;
    private final TokenReader reader;
    private final Runnable check;
    private final AnswerAssembler assembler = new AnswerAssembler(1 << 16);

    /**
     * Answers to some prompts.
     *
     * @param seconds from the first prompt's submission to the arrival of the last answer's end
     * @param lengths tokens of each answer, by the request's id
     */
    record Result(double seconds, Map<String, Integer> lengths) {
        long tokens() {
            return lengths.values().stream().mapToLong(Integer::intValue).sum();
        }
    }

    /**
     * @param check throws if no answer can be expected any more; asked while nothing is heard
     */
    JobClient(KafkaConfig config, Runnable check) {
        this.check = check;
        try (var topics = new Topics(config)) {
            this.producer = new PromptProducer(config, topics.prepare());
        }
        this.reader = new TokenReader(config, IsolationLevel.READ_UNCOMMITTED, TopicReader.Start.LATEST);
    }

    /**
     * Submits the prompts at once and waits until all are answered.
     *
     * @throws IllegalStateException if one is answered with an error, or nothing is heard for three minutes
     */
    Result ask(List<PromptRequest> prompts) throws IOException {
        long start = System.nanoTime();
        for (PromptRequest prompt : prompts) {
            producer.send(prompt);
        }
        Map<String, Integer> lengths = listen(prompts.size());
        return new Result(Timing.seconds(System.nanoTime() - start), lengths);
    }

    private Map<String, Integer> listen(int count) throws IOException {
        Map<String, Integer> lengths = new HashMap<>();
        int finished = 0;
        long heard = System.nanoTime();
        while (finished < count) {
            List<TokenEvent> events = reader.poll(POLL);
            for (TokenEvent event : events) {
                AnswerUpdate update = accept(event);
                lengths.merge(event.getRequestId(), update.newTokens().size(), Integer::sum);
                finished += update.finished() ? 1 : 0;
            }
            if (!events.isEmpty()) {
                heard = System.nanoTime();
                continue;
            }
            check.run();
            if (System.nanoTime() - heard > SILENCE.toNanos()) {
                throw new IllegalStateException("nothing was heard for %d s, %d of %d answers are there"
                        .formatted(SILENCE.toSeconds(), finished, count));
            }
        }
        return lengths;
    }

    private AnswerUpdate accept(TokenEvent event) {
        AnswerUpdate update = assembler.accept(event);
        if (event.getFinishReason() == FinishReason.ERROR || update.fault() != null) {
            throw new IllegalStateException("request %s failed: %s"
                    .formatted(event.getRequestId(), update.fault() == null ? event.getError() : update.fault()));
        }
        return update;
    }

    @Override
    public void close() {
        reader.close();
        producer.close();
    }
}
