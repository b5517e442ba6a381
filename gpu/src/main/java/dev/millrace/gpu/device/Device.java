package dev.millrace.gpu.device;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
import static jcuda.driver.CUresult.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
import static jcuda.driver.JCudaDriver.CU_MEMHOSTALLOC_PORTABLE;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;

/**
 * One GPU and its primary context. A thread that calls anything of it must have bound it; opening binds the opening
 * thread. Closing frees all that is still open.
 */
public final class Device implements AutoCloseable {
    private static final int ARGUMENT_BLOCKS = 64;

    private final int ordinal;
    private final CUdevice device;
    private final CUcontext context = new CUcontext();
    private final Resources resources = new Resources();
    private final Resources own = new Resources();
    private final Map<String, Module> modules = new HashMap<>();
    private final String name;
    private PinnedBuffer argumentMemory;
    private int argumentBlocks;
    private boolean sealed;

    private Device(int ordinal) {
        this.ordinal = ordinal;
        this.device = Driver.device(ordinal);
        this.name = Driver.name(device);
        Status.check(
                JCudaDriver.cuDevicePrimaryCtxRetain(context, device),
                "cuDevicePrimaryCtxRetain",
                () -> "make a context on GPU %d (%s)".formatted(ordinal, name));
        bindThread();
    }

    /**
     * Why no GPU can be used here, in a sentence, or nothing where the first one can. Starts the driver and makes no
     * context; where the build has no kernels, touches nothing.
     */
    public static Optional<String> obstacle() {
        try {
            if (Kernels.toolkit().isEmpty()) {
                return Optional.of(Kernels.missing("the CUDA kernels").getMessage());
            }
            Driver.initialize();
            Driver.checkUsable(0);
            return Optional.empty();
        } catch (GpuUnavailableException | CudaException e) {
            return Optional.of(e.getMessage());
        }
    }

    public static boolean available() {
        return obstacle().isEmpty();
    }

    /** Whether kernels are loaded with their modules, as {@code CUDA_MODULE_LOADING=EAGER} has it, and not one by one. */
    public static boolean loadsEagerly() {
        Driver.initialize();
        return Driver.loadsEagerly();
    }

    /** @return how many GPUs this process sees */
    public static int count() {
        Driver.initialize();
        return Driver.count();
    }

    /**
     * Opens a GPU and binds it to the calling thread.
     *
     * @throws GpuUnavailableException where the driver, the GPU or the kernels do not do, with what to do about it
     */
    public static Device open(int ordinal) {
        Driver.initialize();
        Driver.checkUsable(ordinal);
        return new Device(ordinal);
    }

    /** Makes this device's context current on the calling thread. */
    public void bindThread() {
        Status.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent", "bind a thread to " + name);
    }

    /** Whether this device's kernels could read and write the other's memory, over NVLink or PCIe. */
    public boolean canAccess(Device peer) {
        int[] can = new int[1];
        Status.check(
                JCudaDriver.cuDeviceCanAccessPeer(can, device, peer.device),
                "cuDeviceCanAccessPeer",
                () -> "ask whether GPU %d can reach the memory of GPU %d".formatted(ordinal, peer.ordinal));
        return can[0] == 1;
    }

    /**
     * From here on this device's kernels reach the peer's memory at its own addresses; again is once.
     *
     * @throws GpuUnavailableException if the machine does not connect the two
     */
    public void enableAccess(Device peer) {
        if (!canAccess(peer)) {
            throw new GpuUnavailableException(
                    "GPU %d cannot reach the memory of GPU %d: choose GPUs that NVLink or PCIe peer access connects (`nvidia-smi topo -m` shows them; --gpu-ids), or --tensor-parallel-size 1"
                            .formatted(ordinal, peer.ordinal));
        }
        bindThread();
        int code = JCudaDriver.cuCtxEnablePeerAccess(peer.context, 0);
        if (code != CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED) {
            Status.check(code, "cuCtxEnablePeerAccess", () -> "let GPU %d reach the memory of GPU %d"
                    .formatted(ordinal, peer.ordinal));
        }
    }

    public int ordinal() {
        return ordinal;
    }

    public String name() {
        return name;
    }

    /** NVIDIA's name for GPUs of this kind. */
    public static String name(int ordinal) {
        Driver.initialize();
        return Driver.name(Driver.device(ordinal));
    }

    /** Bytes of a GPU's memory, whoever holds them; makes no context. */
    public static long totalMemory(int ordinal) {
        Driver.initialize();
        return Driver.totalMemory(Driver.device(ordinal));
    }

    /** NVIDIA's name for this one GPU, the same in every process. */
    public static String uuid(int ordinal) {
        Driver.initialize();
        return Driver.uuid(Driver.device(ordinal));
    }

    /** Major and minor version as one number: 90 for 9.0. */
    public int computeCapability() {
        return Driver.capability(device);
    }

    public int multiprocessors() {
        return attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    }

    /** Bytes of shared memory a block can have when it asks for it. */
    public int maxSharedMemory() {
        return attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    }

    /** Bytes. */
    public long totalMemory() {
        return memory()[1];
    }

    /** Bytes that neither this nor another process holds. */
    public long freeMemory() {
        return memory()[0];
    }

    private long[] memory() {
        long[] free = new long[1];
        long[] total = new long[1];
        Status.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo", "ask for free memory of " + name);
        return new long[] {free[0], total[0]};
    }

    private int attribute(int attribute) {
        return Driver.attribute(device, attribute);
    }

    /** @param what is named when memory runs out and where a leak is reported */
    public DeviceBuffer allocate(long bytes, String what) {
        checkSize(bytes, what);
        if (sealed) {
            throw new IllegalStateException(
                    "%s asks for %d bytes of device memory after start-up".formatted(what, bytes));
        }
        CUdeviceptr pointer = new CUdeviceptr();
        Status.check(JCudaDriver.cuMemAlloc(pointer, bytes), "cuMemAlloc", () -> {
            long[] memory = memory();
            return "%d bytes for %s on GPU %d (%s), where %d of %d are free"
                    .formatted(bytes, what, ordinal, name, memory[0], memory[1]);
        });
        return DeviceBuffer.allocated(pointer, bytes, what, resources);
    }

    /** Memory any thread and device can copy from and to; at most 2 GiB. */
    public PinnedBuffer allocatePinned(long bytes, String what) {
        return allocatePinned(bytes, what, resources);
    }

    private static PinnedBuffer allocatePinned(long bytes, String what, Resources owner) {
        checkSize(bytes, what);
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "%s asks for %d bytes of pinned memory; a buffer has at most 2 GiB".formatted(what, bytes));
        }
        Pointer pointer = new Pointer();
        Status.check(
                JCudaDriver.cuMemHostAlloc(pointer, bytes, CU_MEMHOSTALLOC_PORTABLE),
                "cuMemHostAlloc",
                () -> "%d bytes of pinned memory for %s".formatted(bytes, what));
        return PinnedBuffer.allocated(pointer, what, owner);
    }

    private static void checkSize(long bytes, String what) {
        if (bytes < 1) {
            throw new IllegalArgumentException("%s asks for %d bytes".formatted(what, bytes));
        }
    }

    /** From here on {@link #allocate} throws: all device memory is taken at start-up. */
    public void seal() {
        sealed = true;
    }

    public Stream newStream() {
        return new Stream(resources);
    }

    public Event newEvent() {
        return new Event(false, resources);
    }

    /** An event with a time of its own, which costs the device a little. */
    public Event newTimingEvent() {
        return new Event(true, resources);
    }

    /** Native memory for the arguments of one kernel's launches. */
    public synchronized KernelArguments newArguments() {
        if (argumentMemory == null || argumentBlocks == ARGUMENT_BLOCKS) {
            argumentMemory = allocatePinned(ARGUMENT_BLOCKS * KernelArguments.BYTES, "arguments of kernels", own);
            argumentBlocks = 0;
        }
        return new KernelArguments(argumentMemory, KernelArguments.BYTES * argumentBlocks++);
    }

    /** The kernels of the source file of that name, loaded when they are first asked for. */
    public synchronized Module load(String name) {
        return modules.computeIfAbsent(name, file -> new Module(file, Kernels.image(file), computeCapability(), own));
    }

    /** @param workspace cuBLAS's own device memory; NVIDIA advises 32 MiB on Hopper and 4 MiB before */
    public Blas newBlas(Stream stream, DeviceBuffer workspace) {
        Natives.loadBlas();
        return new Blas(stream, workspace, resources);
    }

    /** What callers opened and did not close yet, the oldest first. */
    public List<String> stillOpen() {
        return resources.labels();
    }

    @Override
    public void close() {
        bindThread();
        try {
            try {
                resources.closeAll();
            } finally {
                own.closeAll();
            }
        } finally {
            Status.check(
                    JCudaDriver.cuDevicePrimaryCtxRelease(device),
                    "cuDevicePrimaryCtxRelease",
                    "release the context of " + name);
        }
    }
}
