package dev.millrace.gpu.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/** Page-locked memory of the host, at most 2 GiB, which the device copies from and to while the host goes on. */
public final class PinnedBuffer implements AutoCloseable {
    private final ByteBuffer bytes;
    private final long address;
    private final String what;
    private final Resources owner;

    private PinnedBuffer(Pointer pointer, String what, Resources owner) {
        this.bytes = pointer.getByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        this.address = Address.of(pointer);
        this.what = what;
        this.owner = owner;
    }

    static PinnedBuffer allocated(Pointer pointer, String what, Resources owner) {
        PinnedBuffer buffer = new PinnedBuffer(pointer, what, owner);
        owner.add(
                buffer,
                "%s, %d bytes of pinned memory".formatted(what, buffer.size()),
                () -> Status.check(JCudaDriver.cuMemFreeHost(pointer), "cuMemFreeHost", "free " + what));
        return buffer;
    }

    /** All of it as a little-endian view with its own position; not to be touched once this is closed. */
    public ByteBuffer bytes() {
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    public long address() {
        return address;
    }

    public long size() {
        return bytes.capacity();
    }

    Pointer pointer(long offset, long length) {
        if (offset < 0 || length < 0 || offset > size() - length) {
            throw new IndexOutOfBoundsException(
                    "bytes %d to %d of %s, which has %d".formatted(offset, offset + length, what, size()));
        }
        return new Address(address + offset);
    }

    @Override
    public void close() {
        owner.close(this);
    }
}
