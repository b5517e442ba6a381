package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.nio.ByteBuffer;

/** A device for tests: brings arrays to it and back. Outputs begin as NaN, and bytes behind them must stay as they are. */
public final class TestDevice implements AutoCloseable {

    private static final int GUARD = 512;

    private final Device device;
    private final Stream stream;

    public TestDevice() {
        this(0);
    }

    /** Binds the calling thread. */
    public TestDevice(int ordinal) {
        device = Device.open(ordinal);
        stream = device.newStream();
    }

    public Device device() {
        return device;
    }

    public Stream stream() {
        return stream;
    }

    /** The value as a type stores it. */
    public static float rounded(Type type, double value) {
        float x = (float) value;
        return type == Type.F32 ? x : Float.intBitsToFloat(bf16(x) << 16);
    }

    public static float[] rounded(Type type, float[] values) {
        float[] out = new float[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = rounded(type, values[i]);
        }
        return out;
    }

    private static short bf16(float x) {
        int bits = Float.floatToRawIntBits(x);
        return (short) (Float.isNaN(x) ? 0x7fc0 : bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    public DeviceBuffer ints(int... values) {
        PinnedBuffer staging = device.allocatePinned(4L * Math.max(1, values.length), "a test's integers");
        staging.bytes().asIntBuffer().put(values);
        return copied(staging);
    }

    public DeviceBuffer values(Type type, float... values) {
        PinnedBuffer staging = device.allocatePinned((long) values.length * type.bytes(), "a test's values");
        ByteBuffer bytes = staging.bytes();
        for (float value : values) {
            if (type == Type.F32) {
                bytes.putFloat(value);
            } else {
                bytes.putShort(bf16(value));
            }
        }
        return copied(staging);
    }

    public DeviceBuffer floats(float... values) {
        return values(Type.F32, values);
    }

    private DeviceBuffer copied(PinnedBuffer staging) {
        try (staging) {
            DeviceBuffer buffer = device.allocate(staging.size(), "a test's values");
            stream.copyToDevice(buffer, 0, staging, 0, staging.size());
            stream.synchronize();
            return buffer;
        }
    }

    /** Memory full of NaN, with a guard behind it that {@link #read} looks at. */
    public DeviceBuffer poisoned(Type type, long count) {
        DeviceBuffer all = device.allocate(count * type.bytes() + GUARD, "a test's result");
        stream.fill(all, 0xff);
        return all;
    }

    /** What {@link #poisoned} memory holds now. */
    public float[] read(Type type, DeviceBuffer buffer) {
        return read(type, buffer, Math.toIntExact((buffer.bytes() - GUARD) / type.bytes()));
    }

    /** All that a buffer holds now. */
    public float[] readAll(Type type, DeviceBuffer buffer) {
        return read(type, buffer, Math.toIntExact(buffer.bytes() / type.bytes()));
    }

    private float[] read(Type type, DeviceBuffer buffer, int count) {
        try (PinnedBuffer staging = device.allocatePinned(buffer.bytes(), "a test's result")) {
            stream.copyToHost(staging, 0, buffer, 0, buffer.bytes());
            stream.synchronize();
            ByteBuffer from = staging.bytes();
            float[] out = new float[count];
            for (int i = 0; i < out.length; i++) {
                out[i] = type == Type.F32 ? from.getFloat() : Float.intBitsToFloat(from.getShort() << 16);
            }
            while (from.hasRemaining()) {
                assertThat(from.get()).as("bytes behind the result").isEqualTo((byte) 0xff);
            }
            return out;
        }
    }

    @Override
    public void close() {
        device.close();
    }
}
