package dev.millrace.gpu.device;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import jcuda.driver.CUdevice;
import jcuda.driver.CUmoduleLoadingMode;
import jcuda.driver.CUresult;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;

/** What the driver says of the machine before a context is made, and whether that does. */
final class Driver {
    private static final int LEAST_CAPABILITY = 80;
    private static final int LEAST_TOOLKIT = 12;

    private Driver() {}

    /** Loads and starts the driver, and checks that it is new enough for the kernels. */
    static void initialize() {
        Natives.loadDriver();
        int code = JCudaDriver.cuInit(0);
        if (code == CUresult.CUDA_ERROR_NO_DEVICE) {
            throw new GpuUnavailableException("the NVIDIA driver sees no GPU: make one visible (CUDA_VISIBLE_DEVICES,"
                    + " a container's --gpus), or use --device cpu");
        }
        Status.check(code, "cuInit", "start the NVIDIA driver");
        int[] version = new int[1];
        Status.check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion", "ask for the driver's version");
        checkVersion(version[0], Kernels.toolkit().orElse(LEAST_TOOLKIT));
    }

    /**
     * Kernels compiled by one major version of CUDA run on its drivers and all newer ones (NVIDIA, "CUDA
     * Compatibility", minor version compatibility).
     *
     * @param version 1000 times the major plus 10 times the minor version of CUDA that the driver supports
     * @param toolkit the major version that compiled the kernels
     */
    static void checkVersion(int version, int toolkit) {
        if (version / 1000 < toolkit) {
            throw new GpuUnavailableException(
                    "the NVIDIA driver supports CUDA %d.%d and the kernels were compiled by CUDA %d: update the driver to at least version %d, or use --device cpu"
                            .formatted(version / 1000, version % 1000 / 10, toolkit, leastDriver(toolkit)));
        }
    }

    /** The least version of NVIDIA's Linux driver that runs this build's kernels. */
    static int leastDriver() {
        return leastDriver(Kernels.toolkit().orElse(LEAST_TOOLKIT));
    }

    /** The same table: CUDA 12 and its JCuda want 525, CUDA 13 wants 580. */
    private static int leastDriver(int toolkit) {
        return toolkit > LEAST_TOOLKIT ? 580 : 525;
    }

    /** Whether all kernels are loaded when their module is, and none at its first launch. */
    static boolean loadsEagerly() {
        int[] mode = new int[1];
        Status.check(
                JCudaDriver.cuModuleGetLoadingMode(mode), "cuModuleGetLoadingMode", "ask how the driver loads kernels");
        return mode[0] == CUmoduleLoadingMode.CU_MODULE_EAGER_LOADING;
    }

    static int count() {
        int[] count = new int[1];
        Status.check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount", "count the GPUs");
        return count[0];
    }

    static CUdevice device(int ordinal) {
        CUdevice device = new CUdevice();
        Status.check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet", () -> "find GPU " + ordinal);
        return device;
    }

    static String name(CUdevice device) {
        byte[] name = new byte[256];
        Status.check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName", "name a GPU");
        return new String(name, StandardCharsets.UTF_8).split("\0", 2)[0];
    }

    static long totalMemory(CUdevice device) {
        long[] bytes = new long[1];
        Status.check(JCudaDriver.cuDeviceTotalMem(bytes, device), "cuDeviceTotalMem", "ask a GPU for its memory");
        return bytes[0];
    }

    static String uuid(CUdevice device) {
        CUuuid uuid = new CUuuid();
        Status.check(JCudaDriver.cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid", "ask a GPU for its UUID");
        ByteBuffer bytes = ByteBuffer.wrap(uuid.bytes);
        return "GPU-" + new UUID(bytes.getLong(), bytes.getLong());
    }

    static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        Status.check(
                JCudaDriver.cuDeviceGetAttribute(value, attribute, device),
                "cuDeviceGetAttribute",
                () -> "ask a GPU for its attribute " + attribute);
        return value[0];
    }

    /** Throws what keeps the GPU from being used. */
    static void checkUsable(int ordinal) {
        int count = count();
        if (ordinal < 0 || ordinal >= count) {
            throw new GpuUnavailableException(
                    "GPU %d was asked for and the driver sees %d: GPUs are numbered from 0".formatted(ordinal, count));
        }
        CUdevice device = device(ordinal);
        checkCapability(ordinal, name(device), capability(device));
    }

    static int capability(CUdevice device) {
        return 10 * attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    }

    static void checkCapability(int ordinal, String name, int capability) {
        if (capability < LEAST_CAPABILITY) {
            throw new GpuUnavailableException(
                    "GPU %d (%s) has compute capability %d.%d and 8.0 is the least: use a GPU of Ampere or newer, or --device cpu"
                            .formatted(ordinal, name, capability / 10, capability % 10));
        }
    }
}
