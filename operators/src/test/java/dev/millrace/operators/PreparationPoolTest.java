package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.operators.state.RequestHeader;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.operators.state.RequestSnapshot.Work;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.PromptRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.flink.streaming.runtime.tasks.StreamTaskActionExecutor;
import org.apache.flink.streaming.runtime.tasks.mailbox.MailboxExecutorImpl;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailboxImpl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class PreparationPoolTest {

    private final TaskMailbox mailbox = new TaskMailboxImpl(Thread.currentThread());
    private final List<String> answers = new ArrayList<>();

    /** A library that is not there for this machine, say one that decodes videos, takes no other request with it. */
    static Stream<Throwable> faultsOfOneRequest() {
        return Stream.of(
                new IllegalStateException("a bug"),
                new StackOverflowError(),
                new UnsatisfiedLinkError("no such library"),
                new NoClassDefFoundError("a/Class"));
    }

    @ParameterizedTest
    @MethodSource("faultsOfOneRequest")
    void aFaultThatOneRequestBringsAboutFailsThatRequest(Throwable fault) throws Exception {
        try (var pool = pool(work -> {
            if (fault instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) fault;
        })) {
            pool.submit(request("r", 0));
            run(1);
            assertThat(answers).containsExactly("r internal_server_error");
            assertThat(pool.pending()).isZero();
        }
    }

    @Test
    void whatTheMachineReportsFailsTheTask() throws Exception {
        try (var pool = pool(work -> {
            throw new OutOfMemoryError("no heap");
        })) {
            pool.submit(request("r", 0));
            assertThatThrownBy(() -> run(1)).rootCause().isInstanceOf(OutOfMemoryError.class);
        }
    }

    @Test
    void theMostImportantOfThoseThatWaitIsNext() throws Exception {
        var first = new CountDownLatch(1);
        try (var pool = pool(work -> {
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

    private PreparationPool pool(Function<Work, PreparedRequest> preparer) {
        var mails = new Mails(
                new MailboxExecutorImpl(mailbox, TaskMailbox.MIN_PRIORITY, StreamTaskActionExecutor.IMMEDIATE));
        Comparator<TrackedRequest> order =
                Comparator.comparingInt(request -> request.header().priority());
        return new PreparationPool("prepare", preparer, 1, 1, order, mails, results());
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
}
