package dev.millrace.gpu.device;

/** How numbers are stored on the device; sums are always kept in fp32. */
public enum Type {
    BF16(2),
    F32(4);

    private final int bytes;

    Type(int bytes) {
        this.bytes = bytes;
    }

    public int bytes() {
        return bytes;
    }
}
