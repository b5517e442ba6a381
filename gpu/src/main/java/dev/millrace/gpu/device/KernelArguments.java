package dev.millrace.gpu.device;

import java.nio.ByteBuffer;
import jcuda.Pointer;

/**
 * The arguments of a launch, written one after the other in the kernel's order into native memory that is used again
 * and again: a table of addresses, as {@code cuLaunchKernel} reads it, and behind it 8 bytes an argument. Used by one
 * thread at a time.
 */
public final class KernelArguments {
    static final int MOST = 32;
    static final int BYTES = 2 * MOST * Long.BYTES;
    private static final int VALUES = MOST * Long.BYTES;

    private final ByteBuffer block;
    private final Pointer table;
    private int count;

    /** @param offset of {@link #BYTES} bytes of the pinned memory that become this object's own */
    KernelArguments(PinnedBuffer memory, int offset) {
        block = memory.bytes().slice(offset, BYTES).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        table = memory.pointer(offset, BYTES);
        for (int i = 0; i < MOST; i++) {
            block.putLong(i * Long.BYTES, memory.address() + offset + VALUES + i * Long.BYTES);
        }
    }

    /** Forgets all arguments. */
    public KernelArguments reset() {
        count = 0;
        return this;
    }

    public KernelArguments pointer(DeviceBuffer buffer) {
        return longValue(buffer.address());
    }

    public KernelArguments pointer(long address) {
        return longValue(address);
    }

    public KernelArguments longValue(long value) {
        block.putLong(next(), value);
        return this;
    }

    public KernelArguments intValue(int value) {
        block.putInt(next(), value);
        return this;
    }

    public KernelArguments floatValue(float value) {
        block.putFloat(next(), value);
        return this;
    }

    private int next() {
        if (count == MOST) {
            throw new IllegalStateException("a kernel has at most %d arguments".formatted(MOST));
        }
        return VALUES + Long.BYTES * count++;
    }

    Pointer pointer() {
        return table;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("arguments");
        for (int i = 0; i < count; i++) {
            text.append(" 0x").append(Long.toHexString(block.getLong(VALUES + i * Long.BYTES)));
        }
        return text.toString();
    }
}
