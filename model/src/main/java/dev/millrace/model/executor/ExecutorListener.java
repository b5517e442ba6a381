package dev.millrace.model.executor;

/** Hears of all that an executor was given to do. */
public interface ExecutorListener extends StepListener, EncodingListener {}
