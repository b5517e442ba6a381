package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletionException;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.SerializedThrowable;
import org.junit.jupiter.api.Test;

class SubmittedJobTest {

    @Test
    void theReasonOfAJobsEndIsWhatTheJobSaidAndNotFlink() {
        var ours = new IllegalArgumentException("the heap is too small", new OutOfMemoryError("Java heap space"));
        var failure = new FlinkException("Job execution failed.", new SuppressRestartsException(ours));

        assertThat(SubmittedJob.reason(new SerializedThrowable(failure))).endsWith("the heap is too small");
        assertThat(SubmittedJob.reason(failure)).isEqualTo("the heap is too small");
        assertThat(SubmittedJob.reason(new SerializedThrowable(new FlinkException(new CompletionException(ours)))))
                .endsWith("the heap is too small")
                .doesNotContain("CompletionException");
        assertThat(SubmittedJob.reason(new FlinkException("Slots are missing.")))
                .isEqualTo("Slots are missing.");
        assertThat(SubmittedJob.reason(new NullPointerException())).contains("NullPointerException");
    }
}
