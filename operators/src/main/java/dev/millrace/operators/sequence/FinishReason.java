package dev.millrace.operators.sequence;

/** Why a sequence ended. */
public enum FinishReason {
    STOP,
    LENGTH,
    ABORT,
    /** It could not go on. */
    ERROR
}
