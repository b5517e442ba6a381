package dev.millrace.operators;

import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.StepOutput;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * Brings each completed step and encoding from the executor's threads to the task's; there are as many mails as steps and
 * encodings in flight.
 */
final class ExecutorMails implements ExecutorListener {

    private final Mails mails;
    private final Consumer<StepOutput> steps;
    private final LongConsumer encodings;

    ExecutorMails(Mails mails, Consumer<StepOutput> steps, LongConsumer encodings) {
        this.mails = mails;
        this.steps = steps;
        this.encodings = encodings;
    }

    @Override
    public void completed(StepOutput output) {
        mails.post(() -> steps.accept(output), "handle a completed step");
    }

    @Override
    public void failed(long step, Throwable cause) {
        mails.fail("step " + step + " failed on the executor", cause);
    }

    @Override
    public void encoded(long encoding) {
        mails.post(() -> encodings.accept(encoding), "handle a completed encoding");
    }

    @Override
    public void encodingFailed(long encoding, Throwable cause) {
        mails.fail("encoding " + encoding + " failed on the executor", cause);
    }
}
