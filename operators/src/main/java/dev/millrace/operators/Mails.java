package dev.millrace.operators;

import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.util.function.ThrowingRunnable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How other threads reach the task's: each mail runs there alone, and fails the task if it throws. */
final class Mails {

    private static final Logger LOG = LoggerFactory.getLogger(Mails.class);

    private final MailboxExecutor mailbox;

    Mails(MailboxExecutor mailbox) {
        this.mailbox = mailbox;
    }

    /** Has {@code mail} run; a task that is ending takes no mails, and needs none. */
    void post(ThrowingRunnable<? extends Exception> mail, String description) {
        try {
            mailbox.execute(mail, description);
        } catch (RejectedExecutionException e) {
            LOG.debug("the task is ending and does not need: {}", description, e);
        }
    }

    /** Fails the task: the fault is ours, and Flink starts again from the last checkpoint. */
    void fail(String message, Throwable cause) {
        post(
                () -> {
                    throw new IllegalStateException(message, cause);
                },
                message);
    }

    /** Runs mails, waiting for the next if there is none. */
    void runOne() throws InterruptedException {
        mailbox.yield();
    }
}
