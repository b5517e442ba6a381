package dev.millrace.operators;

import java.util.List;
import java.util.function.Consumer;

/** Brings cancels from the line's threads to the task's, as many in a mail as came together. */
final class ControlMails implements Control.Listener {

    private final Mails mails;
    private final Consumer<List<Cancel>> cancels;

    ControlMails(Mails mails, Consumer<List<Cancel>> cancels) {
        this.mails = mails;
        this.cancels = cancels;
    }

    @Override
    public void cancelled(List<Cancel> given) {
        mails.post(() -> cancels.accept(given), "give requests up");
    }

    @Override
    public void failed(Throwable cause) {
        mails.fail("cancels are not heard any more", cause);
    }
}
