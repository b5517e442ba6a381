package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.model.config.ModelConfig.VisionConfig;

/**
 * Where the inputs of one encoding arrive, those of up to so many patches.
 *
 * @param pixels c[P, ·] in the order of the windows, zeros behind each patch
 * @param mediaRows int32[P/4]
 * @param windows int32[windows+1]
 * @param frames int32[frames+1]
 * @param positions int32[2, P]
 */
record VisionInputs(
        DeviceBuffer pixels,
        DeviceBuffer mediaRows,
        DeviceBuffer windows,
        DeviceBuffer frames,
        DeviceBuffer positions) {

    static VisionInputs in(Arena arena, VisionConfig config, Type type, int patches) {
        int units = patches / (config.spatialMergeSize() * config.spatialMergeSize());
        return new VisionInputs(
                arena.take((long) ProductRows.atLeast(patches) * Matrix.padded(config.patchLength()) * type.bytes()),
                arena.take((long) units * Integer.BYTES),
                arena.take((units + 1L) * Integer.BYTES),
                arena.take((units + 1L) * Integer.BYTES),
                arena.take(2L * patches * Integer.BYTES));
    }
}
