package dev.millrace.model.executor;

/** Hears how a launched step went, on the executor's thread; must return quickly. */
public interface StepListener {

    void completed(StepOutput output);

    void failed(long step, Throwable cause);
}
