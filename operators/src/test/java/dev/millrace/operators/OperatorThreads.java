package dev.millrace.operators;

import java.util.List;

/** The threads that operators start, as this JVM sees them. */
final class OperatorThreads {

    private OperatorThreads() {}

    static List<Thread> alive() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("prepare-")
                        || thread.getName().startsWith("hashing-executor"))
                .toList();
    }

    /** A pool that has terminated may be a moment ahead of its last thread; one that hangs runs into the test's timeout. */
    static void awaitEnd() throws InterruptedException {
        for (Thread thread : alive()) {
            thread.join();
        }
    }
}
