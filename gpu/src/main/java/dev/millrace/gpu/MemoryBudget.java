package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import java.util.Locale;

/** The share of a GPU's memory that an executor may take, from before anything was allocated. */
final class MemoryBudget {

    private static final double GIB = 1 << 30;

    private final Device device;
    private final ExecutorConfig config;
    private final Limits limits;
    private final long freeAtStart;
    private final long allowed;

    /** @throws IllegalArgumentException if others hold so much that the share is not free, where all of it is to be used */
    MemoryBudget(Device device, ExecutorConfig config, Limits limits) {
        this.device = device;
        this.config = config;
        this.limits = limits;
        freeAtStart = device.freeMemory();
        allowed = (long) (device.totalMemory() * config.gpu().memoryUtilization());
        boolean derived = config.cache().numBlocks() == 0 && config.cache().bytes() == 0;
        if (derived && freeAtStart < allowed) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "Free memory on GPU %d (%.2f/%.2f GiB) is less than the desired GPU memory utilization (%s, %.2f GiB)."
                            + " Decrease --gpu-memory-utilization or reduce GPU memory used by other processes.",
                    device.ordinal(),
                    freeAtStart / GIB,
                    device.totalMemory() / GIB,
                    config.gpu().memoryUtilization(),
                    allowed / GIB));
        }
    }

    /** Bytes taken so far. */
    long used() {
        return freeAtStart - device.freeMemory();
    }

    /**
     * The key-value cache, once all but the graphs was allocated.
     *
     * @param blockBytes bytes of a block in all layers
     * @param graphBytes what graphs will take
     */
    KeyValueCacheSize cache(long blockBytes, long graphBytes) {
        return KeyValueCacheSize.of(config.cache(), limits, blockBytes, allowed - used() - graphBytes);
    }

    static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.2f GiB", bytes / GIB);
    }
}
