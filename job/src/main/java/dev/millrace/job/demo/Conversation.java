package dev.millrace.job.demo;

import dev.millrace.gateway.topic.AnswerAssembler;
import dev.millrace.gateway.topic.AnswerUpdate;
import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.IsolationLevel;

/** Submits the samples through Kafka and prints the answers as their tokens arrive, before any checkpoint commits them. */
final class Conversation implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(100);

    private final PromptProducer producer;
    private final TokenReader reader;
    private final AnswerAssembler assembler;
    private final AnswerPrinter printer;
    private final Map<String, AnswerProgress> answers = new LinkedHashMap<>();

    Conversation(KafkaConfig config, TopicLimits limits, int prompts, PrintWriter out) {
        this.producer = new PromptProducer(config, limits);
        this.reader = new TokenReader(config, IsolationLevel.READ_UNCOMMITTED, TopicReader.Start.LATEST);
        this.assembler = new AnswerAssembler(prompts);
        this.printer = new AnswerPrinter(out);
    }

    void submit(List<SamplePrompt> prompts) {
        for (SamplePrompt prompt : prompts) {
            printer.expect(prompt.id(), prompt.question());
            answers.put(prompt.id(), new AnswerProgress(prompt));
            byte[] key = prompt.id().getBytes(StandardCharsets.UTF_8);
            producer.send(key, prompt.body().getBytes(StandardCharsets.UTF_8)).join();
        }
    }

    /** Reads until every answer is finished, or {@code patience} is over. */
    void listen(Duration patience) throws IOException {
        long end = System.nanoTime() + patience.toNanos();
        while (answers.values().stream().anyMatch(answer -> !answer.isFinished()) && System.nanoTime() < end) {
            for (TokenEvent event : reader.poll(POLL)) {
                if (answers.containsKey(event.getRequestId())) {
                    accept(event, answers.get(event.getRequestId()));
                }
            }
        }
    }

    Collection<AnswerProgress> answers() {
        return answers.values();
    }

    @Override
    public void close() {
        reader.close();
        producer.close();
    }

    private void accept(TokenEvent event, AnswerProgress answer) {
        AnswerUpdate update = assembler.accept(event);
        String id = event.getRequestId();
        if (update.fault() != null) {
            answer.fail(update.fault().getCode() + ": " + update.fault().getMessage());
            printer.finish(id);
            return;
        }
        answer.add(update.newTokens().size(), event.getEmittedAt());
        printer.append(id, update.newText());
        if (update.finished()) {
            String error = event.getError() == null ? null : event.getError().getMessage();
            answer.finish(event.getFinishReason(), error);
            printer.append(id, error == null ? "" : "[" + error + "]");
            printer.finish(id);
        }
    }
}
