package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.infra.Blackhole;

class SchedulerAllocationTest {

    private static final Blackhole SINK = new Blackhole(
            "Today's password is swordfish. I understand instantiating Blackholes directly is dangerous.");
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Token arrays that double now and then are all that may grow: copying a context would allocate thirty times as much. */
    @Test
    void aStepOfLongSequencesAllocatesLittleMoreThanOneOfShortOnes() {
        allocatedBySteps(64);
        long shortOnes = allocatedBySteps(64);
        long longOnes = allocatedBySteps(2048);
        assertThat((double) longOnes / shortOnes).isBetween(0.75, 1.25);
    }

    private static long allocatedBySteps(int promptLength) {
        SchedulerBenchmark benchmark = new SchedulerBenchmark();
        benchmark.sequences = 32;
        benchmark.promptLength = promptLength;
        benchmark.decode(SINK);
        long before = THREADS.getCurrentThreadAllocatedBytes();
        benchmark.step();
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }
}
