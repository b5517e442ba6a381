package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** The gate of the decoder's MLP ({@code silu_mul.cu}). */
public final class SiluMul {

    private static final int THREADS = 256;

    private final Operation operation;
    private final Type type;

    public SiluMul(Device device, Type type) {
        operation = Operation.of(device, "silu_mul", type);
        this.type = type;
    }

    /** f[tokens, width] ← silu(gate)·up; gateUp[tokens, 2·width] holds the gates, then the ups. */
    public void launch(Stream stream, DeviceBuffer gateUp, int tokens, int width, DeviceBuffer f) {
        Operation.requireBytes(gateUp, 2L * tokens * width * type.bytes(), "gates and ups");
        Operation.requireBytes(f, (long) tokens * width * type.bytes(), "gated values");
        operation.arguments().pointer(gateUp).intValue(tokens).intValue(width).pointer(f);
        operation.launch(stream, Grid.of(Operation.blocks((long) tokens * width, THREADS), THREADS));
    }
}
