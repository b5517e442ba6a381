package dev.millrace.bench.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Streams as servers write them, with a clock that goes on by hand. */
class StreamRecorderTest {

    private long nanos;
    private final Stopwatch clock = new Stopwatch(() -> nanos);

    @Test
    void eachChunkIsTimedAndTheUsageCounted() {
        StreamRecorder recorder = completions(null);

        at(2.0, recorder, "data: {\"id\":\"a\",\"choices\":[{\"text\":\"One\"}]}");
        at(2.5, recorder, ": ping");
        at(2.7, recorder, "data: {\"id\":\"a\",\"choices\":[{\"text\":\", two\"}]}");
        at(
                2.8,
                recorder,
                "data: {\"id\":\"a\",\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}],\"usage\":null}");
        at(
                3.5,
                recorder,
                "data: {\"id\":\"a\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}");
        at(3.5, recorder, "data: [DONE]");

        Outcome outcome = recorder.outcome();
        assertThat(outcome.error()).isNull();
        assertThat(outcome.text()).isEqualTo("One, two");
        assertThat(outcome.promptTokens()).isEqualTo(7);
        assertThat(outcome.outputTokens()).isEqualTo(5);
        assertThat(outcome.ttft()).isCloseTo(1.0, within(1e-9));
        assertThat(outcome.interTokenLatencies()).containsExactly(new double[] {0.7, 0.1}, within(1e-9));
        assertThat(outcome.latency()).isCloseTo(1.8, within(1e-9));
        assertThat(outcome.timePerOutputToken()).isCloseTo(0.2, within(1e-9));
        assertThat(outcome.queued()).isEqualTo(0.25);
    }

    @Test
    void aChatsFirstChunkMayNameTheRoleAlone() {
        StreamRecorder recorder = recorder(Backend.OPENAI_CHAT, null);

        recorder.onNext("data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}");
        recorder.onNext("data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}");
        recorder.onNext("data: [DONE]");

        assertThat(recorder.outcome().text()).isEqualTo("Hi");
    }

    @Test
    void aStreamThatBreaksOffHasFailed() {
        StreamRecorder recorder = completions(null);
        recorder.onNext("data: {\"id\":\"a\",\"choices\":[{\"text\":\"One\"}]}");

        assertThat(recorder.outcome().error()).isEqualTo("the stream ended before [DONE]");
    }

    @Test
    void aStreamWithoutAChoiceHasFailed() {
        StreamRecorder recorder = completions(null);
        recorder.onNext("data: [DONE]");

        assertThat(recorder.outcome().error()).isEqualTo("no chunk held a choice");
    }

    @Test
    void anErrorInTheStreamIsTold() {
        StreamRecorder recorder = completions(null);
        recorder.onNext("data: {\"id\":\"a\",\"choices\":[{\"text\":\"One\"}]}");
        recorder.onNext("data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}");
        recorder.onNext("data: [DONE]");

        assertThat(recorder.outcome().error()).isEqualTo("out of memory");
        assertThat(recorder.outcome().success()).isFalse();
    }

    @Test
    void aChunkOfAnotherAnswerIsNoticed() {
        StreamRecorder recorder = completions(null);
        recorder.onNext("data: {\"id\":\"a\",\"choices\":[{\"text\":\"One\"}]}");
        recorder.onNext("data: {\"id\":\"b\",\"choices\":[{\"text\":\"Deux\"}]}");
        recorder.onNext("data: [DONE]");

        assertThat(recorder.outcome().error()).isEqualTo("a chunk of b came in the stream of a");
    }

    @Test
    void anAnswerThatIsNotTheExpectedOneHasFailed() {
        StreamRecorder right = completions("One");
        StreamRecorder wrong = completions("Two");
        for (StreamRecorder recorder : List.of(right, wrong)) {
            recorder.onNext("data: {\"id\":\"a\",\"choices\":[{\"text\":\"One\"}]}");
            recorder.onNext("data: [DONE]");
        }

        assertThat(right.outcome().success()).isTrue();
        assertThat(wrong.outcome().error()).isEqualTo("the answer is \"One\"; expected is \"Two\"");
    }

    private StreamRecorder completions(String answer) {
        return recorder(Backend.OPENAI, answer);
    }

    private StreamRecorder recorder(Backend backend, String answer) {
        return new StreamRecorder(
                backend, new LoadRequest("x", TextNode.valueOf(""), List.of(), 3, 9, answer), clock, 1.0, 0.25);
    }

    private void at(double seconds, StreamRecorder recorder, String line) {
        nanos = Math.round(seconds * 1e9);
        recorder.onNext(line);
    }
}
