package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.SerializedThrowable;
import org.junit.jupiter.api.Test;

class LocalJobTest {

    @Test
    void theReasonOfAJobsEndIsWhatTheJobSaidAndNotFlink() {
        var ours = new IllegalArgumentException("the heap is too small", new OutOfMemoryError("Java heap space"));
        var failure = new FlinkException("Job execution failed.", new SuppressRestartsException(ours));

        assertThat(LocalJob.reason(new SerializedThrowable(failure))).endsWith("the heap is too small");
        assertThat(LocalJob.reason(failure)).isEqualTo("the heap is too small");
        assertThat(LocalJob.reason(new FlinkException("Slots are missing."))).isEqualTo("Slots are missing.");
        assertThat(LocalJob.reason(new NullPointerException())).contains("NullPointerException");
    }
}
