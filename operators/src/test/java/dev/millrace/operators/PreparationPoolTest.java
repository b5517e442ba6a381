package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.request.RequestLimits;
import dev.millrace.operators.request.RequestResolver;
import dev.millrace.operators.state.RequestHeader;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.PromptRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.apache.flink.streaming.runtime.tasks.StreamTaskActionExecutor;
import org.apache.flink.streaming.runtime.tasks.mailbox.MailboxExecutorImpl;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailboxImpl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Faults come from a tokenizer that meets a bad word. */
@Timeout(60)
class PreparationPoolTest {

    private static final TextConfig MODEL =
            new TextConfig(100, 8, 8, 1, 1, 1, 8, 50, 1e-6, 1e4, null, true, -1, new int[] {1});

    private final TaskMailbox mailbox = new TaskMailboxImpl(Thread.currentThread());
    private final List<String> answers = new ArrayList<>();

    @Test
    void aFaultThatOneRequestBringsAboutFailsThatRequest() throws Exception {
        try (var pool = pool(word -> {
            throw new IllegalStateException("a bug met " + word);
        })) {
            pool.submit(request("r", 0));
            run(1);
            assertThat(answers).containsExactly("r internal_server_error");
            assertThat(pool.pending()).isZero();
        }
    }

    @Test
    void whatTheMachineReportsFailsTheTask() throws Exception {
        try (var pool = pool(word -> {
            throw new OutOfMemoryError("no heap");
        })) {
            pool.submit(request("r", 0));
            assertThatThrownBy(() -> run(1)).rootCause().isInstanceOf(OutOfMemoryError.class);
        }
    }

    @Test
    void theMostImportantOfThoseThatWaitIsNext() throws Exception {
        var first = new CountDownLatch(1);
        try (var pool = pool(word -> {
            await(first);
            throw new IllegalStateException("any");
        })) {
            pool.submit(request("first", 9));
            pool.submit(request("low", 5));
            pool.submit(request("high", 1));
            TrackedRequest ended = request("ended", 0);
            pool.submit(ended);
            ended.end();
            first.countDown();
            run(3);
            assertThat(answers).extracting(answer -> answer.split(" ")[0]).containsExactly("first", "high", "low");
        }
    }

    private void run(int results) throws Exception {
        while (answers.size() < results) {
            mailbox.take(TaskMailbox.MIN_PRIORITY).run();
        }
    }

    private PreparationPool pool(Consumer<String> onWord) {
        var limits = new RequestLimits("demo", 50, 20, true, 0);
        var resolver = new RequestResolver(limits, MODEL, GenerationConfig.NONE, new FaultyTokenizer(onWord));
        var mails = new Mails(
                new MailboxExecutorImpl(mailbox, TaskMailbox.MIN_PRIORITY, StreamTaskActionExecutor.IMMEDIATE));
        Comparator<TrackedRequest> order =
                Comparator.comparingInt(request -> request.header().priority());
        return new PreparationPool(
                "prepare", new RequestPreparer(resolver, null, 50, 100), 1, 1, order, mails, results());
    }

    private PreparationPool.Results results() {
        return new PreparationPool.Results() {
            @Override
            public void prepared(TrackedRequest request, PreparedRequest prepared) {
                answers.add(request.id() + " prepared");
            }

            @Override
            public void refused(TrackedRequest request, EventError error) {
                answers.add(request.id() + " " + error.getCode());
            }
        };
    }

    private static TrackedRequest request(String id, int priority) {
        PromptRequest request = Requests.prompt(id, "x", 5);
        request.setPriority(priority);
        request.getSampling().setBadWords(List.of("word"));
        RequestHeader header = RequestHeader.of(Requests.inbound(request));
        return new TrackedRequest(header, 0, Instant.EPOCH, 0, new Unprepared(request));
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private record FaultyTokenizer(Consumer<String> onWord) implements Tokenizer {

        @Override
        public int[] encode(String text) {
            onWord.accept(text);
            return new int[] {0};
        }

        @Override
        public int[] encodeText(String text) {
            return encode(text);
        }

        @Override
        public String decode(int[] ids, boolean skipSpecialTokens) {
            return "";
        }

        @Override
        public int specialTokenId(String token) {
            return -1;
        }

        @Override
        public boolean isSpecial(int id) {
            return false;
        }

        @Override
        public int vocabSize() {
            return 100;
        }
    }
}
