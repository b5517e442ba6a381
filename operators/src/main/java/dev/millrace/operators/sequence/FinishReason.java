package dev.millrace.operators.sequence;

/** Why a sequence ended. */
public enum FinishReason {
    STOP,
    LENGTH,
    ABORT
}
