package dev.millrace.gpu.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The arguments of a launch, written one after the other in the kernel's order into native memory that is used again
 * and again: a table of addresses, as {@code cuLaunchKernelEx} reads it, and behind it 8 bytes an argument. Used by one
 * thread at a time.
 */
public final class KernelArguments {
    private static final int MOST = 32;
    private static final int VALUES = MOST * Long.BYTES;

    /** Of native memory, for one of these. */
    static final int BYTES = 2 * VALUES;

    private final ByteBuffer block;
    private final long address;
    private int count;
    private long wide;

    /** @param offset of {@link #BYTES} bytes of the pinned memory that become this object's own */
    KernelArguments(PinnedBuffer memory, int offset) {
        block = memory.bytes().slice(offset, BYTES).order(ByteOrder.LITTLE_ENDIAN);
        address = memory.address() + offset;
        for (int i = 0; i < MOST; i++) {
            block.putLong(i * Long.BYTES, address + VALUES + i * Long.BYTES);
        }
    }

    /** Forgets all arguments. */
    public KernelArguments reset() {
        count = 0;
        wide = 0;
        return this;
    }

    public KernelArguments pointer(DeviceBuffer buffer) {
        return longValue(buffer.address());
    }

    public KernelArguments pointer(long deviceAddress) {
        return longValue(deviceAddress);
    }

    public KernelArguments longValue(long value) {
        wide |= 1L << count;
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
            throw new IllegalStateException("a launch has at most %d arguments".formatted(MOST));
        }
        return VALUES + Long.BYTES * count++;
    }

    boolean fit(Signature signature) {
        return !signature.isKnown() || count == signature.count() && wide == signature.wide();
    }

    /** Of the table. */
    long address() {
        return address;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("arguments");
        for (int i = 0; i < count; i++) {
            int at = VALUES + i * Long.BYTES;
            text.append(
                    (wide >> i & 1) == 1
                            ? " long 0x" + Long.toHexString(block.getLong(at))
                            : " int 0x" + Integer.toHexString(block.getInt(at)));
        }
        return text.toString();
    }
}
