package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects what the engine tells, as a reader does, and checks that nothing is told twice, out of order or after the end. */
final class Answers implements EngineListener {

    private final Map<Sequence, Answer> bySequence = new LinkedHashMap<>();

    @Override
    public void onOutput(SequenceOutput output) {
        Answer answer = bySequence.computeIfAbsent(output.sequence(), sequence -> new Answer());
        assertThat(answer.finish).as("nothing comes after the end").isNull();
        assertThat(output.firstPosition()).isEqualTo(answer.tokens.size());
        assertThat(output.textStart()).isEqualTo(answer.text.length());
        assertThat(output.text()).hasSameSizeAs(output.tokens());
        answer.tokens.addAll(output.tokens());
        output.text().forEach(answer.text::append);
        if (output.logprobs() != null) {
            assertThat(output.logprobs()).hasSameSizeAs(output.tokens());
            answer.logprobs.addAll(output.logprobs());
        }
        answer.finish = output.finish();
        answer.stopReason = output.stopReason();
        assertThat(output.sequence().completion().emittedChars()).isEqualTo(answer.text.length());
    }

    @Override
    public void onPromptLogprobs(Sequence sequence, int firstPosition, List<SampleLogprobs> logprobs) {
        Answer answer = bySequence.computeIfAbsent(sequence, key -> new Answer());
        assertThat(answer.finish).as("nothing comes after the end").isNull();
        assertThat(answer.tokens.size()).as("tokens before the prompt's").isZero();
        assertThat(firstPosition).isEqualTo(answer.promptLogprobs.size() + 1);
        answer.promptLogprobs.addAll(logprobs);
        assertThat(sequence.promptScores().handled()).isEqualTo(answer.promptLogprobs.size());
    }

    /** Begins where an answer stood when the sequence was saved. */
    void resume(Sequence sequence, int[] tokens, String text) {
        Answer answer = new Answer();
        answer.tokens.addAll(tokens);
        answer.text.append(text);
        bySequence.put(sequence, answer);
    }

    /** A sequence as it is restored after a crash; what was told of it before is known here, its end included. */
    Sequence restored(Sequence sequence, Answers before) {
        Answer answer = before.bySequence.getOrDefault(sequence, new Answer());
        Sequence restored = new Sequence(
                sequence.requestId(),
                sequence.choice(),
                sequence.arrival(),
                sequence.priority(),
                sequence.prompt(),
                sequence.params(),
                answer.tokens.toArray(0),
                answer.text.length(),
                answer.promptLogprobs.size());
        bySequence.put(restored, answer);
        return restored;
    }

    Answer of(Sequence sequence) {
        return bySequence.get(sequence);
    }

    /** The answer of the only sequence that got any. */
    Answer only() {
        assertThat(bySequence).hasSize(1);
        return bySequence.values().iterator().next();
    }

    boolean isFinished(Sequence sequence) {
        return bySequence.containsKey(sequence) && bySequence.get(sequence).finish != null;
    }

    /** One answer as far as it was told. */
    static final class Answer {
        final IntList tokens = new IntList(16);
        final List<SampleLogprobs> logprobs = new ArrayList<>();
        final List<SampleLogprobs> promptLogprobs = new ArrayList<>();
        final StringBuilder text = new StringBuilder();
        FinishReason finish;
        Object stopReason;
    }
}
