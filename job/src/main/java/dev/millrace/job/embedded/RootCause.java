package dev.millrace.job.embedded;

/** What happened; the failures around it say which part noticed. */
final class RootCause {

    private RootCause() {}

    static Throwable of(Throwable failure) {
        return failure.getCause() == null ? failure : of(failure.getCause());
    }
}
