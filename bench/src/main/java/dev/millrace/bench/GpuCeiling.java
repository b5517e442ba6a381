package dev.millrace.bench;

import dev.millrace.gpu.GpuExecutorFactory;
import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.GpuClaim;
import dev.millrace.gpu.device.GpuSelection;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.RandomFill;
import dev.millrace.job.AutoExecutorFactory;
import dev.millrace.job.cli.DeviceOptions;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a GPU reaches at most, measured now: a copy within its memory, read and written bytes counted, and a square matrix
 * product by cuBLAS on random values. Medians, by the device's own clock.
 *
 * @param bytesPerSecond of the copy
 * @param flopsPerSecond of the product, a multiplication and an addition counted as two
 * @param how in which way they were measured
 */
record GpuCeiling(double bytesPerSecond, double flopsPerSecond, String how) {

    /** Much more than the 50 to 60 MB of a data centre GPU's second cache. */
    static final long COPY_BYTES = 2L << 30;

    static final int SIDE = 8192;

    private static final int WARM_UPS = 3;
    private static final int RUNS = 11;
    private static final long WORKSPACE_BYTES = 32L << 20;
    private static final double MILLIS = 1e3;

    /** Whether the work is done on a GPU. */
    static boolean applies(DeviceOptions device) {
        ModelExecutorFactory executors = device.executors();
        return executors instanceof GpuExecutorFactory
                || executors instanceof AutoExecutorFactory && Device.obstacle().isEmpty();
    }

    /** Measures the GPU that an executor would take; no executor may hold it yet. */
    static GpuCeiling measure(ExecutorConfig.Gpu gpu, Type type, long copyBytes, int side) {
        GpuSelection selection = GpuSelection.of(
                List.of(),
                Optional.of(gpu.ids()).filter(ids -> !ids.isEmpty()),
                Optional.ofNullable(System.getenv("CUDA_VISIBLE_DEVICES")),
                Device.count(),
                1);
        try (GpuClaim claim = GpuClaim.first(selection, "Millrace bench");
                Device device = Device.open(claim.ordinals().get(0));
                Stream stream = device.newStream()) {
            double copy = median(device, stream, copying(device, stream, copyBytes));
            double product = median(device, stream, multiplying(device, stream, type, side));
            String how = String.format(
                    Locale.ROOT,
                    "copy of %.2f GB read and written, %s product of %d x %d x %d, medians of %d measured just now",
                    copyBytes / 1e9,
                    type,
                    side,
                    side,
                    side,
                    RUNS);
            return new GpuCeiling(2 * copyBytes / copy, 2.0 * side * side * side / product, how);
        }
    }

    /** What an earlier run measured. */
    static GpuCeiling known(double terabytesPerSecond, double teraflopsPerSecond) {
        return new GpuCeiling(terabytesPerSecond * 1e12, teraflopsPerSecond * 1e12, "as given");
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "%.3f TB/s, %.1f TFLOP/s (%s)", bytesPerSecond / 1e12, flopsPerSecond / 1e12, how);
    }

    private static Runnable copying(Device device, Stream stream, long bytes) {
        DeviceBuffer from = device.allocate(bytes, "the source of a copy");
        DeviceBuffer to = device.allocate(bytes, "the target of a copy");
        stream.fill(from, 1);
        return () -> stream.copy(to, 0, from, 0, bytes);
    }

    private static Runnable multiplying(Device device, Stream stream, Type type, int side) {
        Blas blas = device.newBlas(stream, device.allocate(WORKSPACE_BYTES, "workspace of cuBLAS"));
        RandomFill random = new RandomFill(device);
        DeviceBuffer[] matrices = new DeviceBuffer[3];
        for (int i = 0; i < matrices.length; i++) {
            matrices[i] = device.allocate((long) side * side * type.bytes(), "a matrix");
            random.uniform(stream, type, i, 1, side, side, side, matrices[i]);
        }
        return () ->
                blas.multiply(type, matrices[0], side, side, side, matrices[1], side, side, matrices[2], type, side, 0);
    }

    /** Seconds. */
    private static double median(Device device, Stream stream, Runnable work) {
        double[] seconds = new double[RUNS];
        try (Event start = device.newTimingEvent();
                Event end = device.newTimingEvent()) {
            for (int i = -WARM_UPS; i < RUNS; i++) {
                stream.record(start);
                work.run();
                stream.record(end);
                end.synchronize();
                seconds[Math.max(i, 0)] = end.millisSince(start) / MILLIS;
            }
        }
        Arrays.sort(seconds);
        return seconds[RUNS / 2];
    }
}
