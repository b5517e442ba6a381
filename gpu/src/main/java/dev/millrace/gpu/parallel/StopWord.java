package dev.millrace.gpu.parallel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.PinnedBuffer;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A number in pinned memory that host and kernels of all ranks read and write: 0 while ranks wait for each other, else why
 * none does. What is computed meanwhile means nothing.
 */
public final class StopWord {

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int ON_REQUEST = -1; // kernels write 1 + the rank that lost its patience

    private final PinnedBuffer memory;
    private final ByteBuffer bytes;
    private final long patienceNanos;

    /** @param patienceNanos how long a rank waits for the others */
    StopWord(Device device, long patienceNanos) {
        memory = device.allocatePinned(Integer.BYTES, "the word that stops waiting ranks");
        bytes = memory.bytes();
        this.patienceNanos = patienceNanos;
        WORD.setVolatile(bytes, 0, ON_REQUEST);
    }

    /** From here on ranks wait for each other. */
    void begin() {
        WORD.setVolatile(bytes, 0, 0);
    }

    /** Has no rank wait for another from here on, because one failed. */
    public void stop() {
        WORD.compareAndSet(bytes, 0, 0, ON_REQUEST);
    }

    /** @throws IllegalStateException if ranks stopped waiting, so that results are worth nothing */
    public void check() {
        int word = (int) WORD.getVolatile(bytes, 0);
        if (word == ON_REQUEST) {
            throw new IllegalStateException("another GPU of the tensor parallel group failed");
        }
        if (word != 0) {
            throw new IllegalStateException(
                    "GPU of rank %d waited %.1f s for another GPU of its tensor parallel group, which did not come: look for what the log and the driver report of it (dmesg), and whether peer access works on this machine (nvidia-smi topo -p2p rw; an IOMMU or a virtual machine can break it)"
                            .formatted(word - 1, patienceNanos / 1e9));
        }
    }

    /** Of the word, for host and devices alike. */
    public long address() {
        return memory.address();
    }

    public long patienceNanos() {
        return patienceNanos;
    }
}
