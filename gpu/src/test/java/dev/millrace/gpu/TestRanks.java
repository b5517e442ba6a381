package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.parallel.RankMemory;
import java.util.ArrayList;
import java.util.List;

/** Several devices for tests, and memory that all of them reach. */
public final class TestRanks implements AutoCloseable {

    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private final List<TestDevice> tests = new ArrayList<>();

    public TestRanks(int count) {
        for (int i = 0; i < count; i++) {
            tests.add(new TestDevice(i));
        }
    }

    /** The device of a rank, bound to the calling thread. */
    public TestDevice on(int rank) {
        tests.get(rank).device().bindThread();
        return tests.get(rank);
    }

    public int count() {
        return tests.size();
    }

    /** For the first so many of the devices. */
    public List<RankMemory> memory(int ranks, long bytes) {
        return memory(ranks, bytes, PATIENCE_NANOS);
    }

    public List<RankMemory> memory(int ranks, long bytes, long patienceNanos) {
        List<Device> devices =
                tests.subList(0, ranks).stream().map(TestDevice::device).toList();
        List<RankMemory> memories = RankMemory.allocate(devices, bytes, patienceNanos);
        RankMemory.begin(devices, memories);
        return memories;
    }

    @Override
    public void close() {
        for (TestDevice test : tests) {
            test.device().bindThread();
            test.stream().synchronize();
        }
        tests.forEach(TestDevice::close);
    }
}
