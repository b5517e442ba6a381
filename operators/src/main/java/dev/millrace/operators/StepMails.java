package dev.millrace.operators;

import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.function.Consumer;

/** Brings each completed step from the executor's thread to the task's; there are as many mails as steps in flight. */
final class StepMails implements StepListener {

    private final Mails mails;
    private final Consumer<StepOutput> owner;

    StepMails(Mails mails, Consumer<StepOutput> owner) {
        this.mails = mails;
        this.owner = owner;
    }

    @Override
    public void completed(StepOutput output) {
        mails.post(() -> owner.accept(output), "handle a completed step");
    }

    @Override
    public void failed(long step, Throwable cause) {
        mails.fail("step " + step + " failed on the executor", cause);
    }
}
