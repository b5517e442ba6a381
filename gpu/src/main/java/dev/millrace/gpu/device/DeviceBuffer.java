package dev.millrace.gpu.device;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;

/** Memory on the device. A slice is a view: it owns nothing and ends with the buffer it was cut from. */
public final class DeviceBuffer implements AutoCloseable {
    private final CUdeviceptr pointer;
    private final long address;
    private final long bytes;
    private final String what;
    private final Resources owner;

    private DeviceBuffer(CUdeviceptr pointer, long bytes, String what, Resources owner) {
        this.pointer = pointer;
        this.address = Address.of(pointer);
        this.bytes = bytes;
        this.what = what;
        this.owner = owner;
    }

    static DeviceBuffer allocated(CUdeviceptr pointer, long bytes, String what, Resources owner) {
        DeviceBuffer buffer = new DeviceBuffer(pointer, bytes, what, owner);
        owner.add(
                buffer,
                "%s, %d bytes of device memory".formatted(what, bytes),
                () -> Status.check(JCudaDriver.cuMemFree(pointer), "cuMemFree", () -> "free " + what));
        return buffer;
    }

    /** Memory that is not there, for sizes alone. */
    static DeviceBuffer imagined(long bytes) {
        return new DeviceBuffer(new CUdeviceptr(), bytes, "an imagined buffer", null);
    }

    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    /** @param offset in bytes */
    public DeviceBuffer slice(long offset, long length) {
        checkRange(offset, length);
        return new DeviceBuffer(pointer.withByteOffset(offset), length, what, null);
    }

    CUdeviceptr pointer() {
        return pointer;
    }

    CUdeviceptr pointer(long offset, long length) {
        checkRange(offset, length);
        return offset == 0 ? pointer : pointer.withByteOffset(offset);
    }

    void checkRange(long offset, long length) {
        if (offset < 0 || length < 0 || offset > bytes - length) {
            throw new IndexOutOfBoundsException(
                    "bytes %d to %d of %s, which has %d".formatted(offset, offset + length, what, bytes));
        }
    }

    /** Frees the memory; of a slice, does nothing. */
    @Override
    public void close() {
        if (owner != null) {
            owner.close(this);
        }
    }

    @Override
    public String toString() {
        return "%s (%d bytes at 0x%x)".formatted(what, bytes, address);
    }
}
