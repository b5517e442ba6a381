package dev.millrace.gpu.device;

import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;

import jcuda.driver.CUfunction;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** One {@code __global__} function. */
public final class Kernel {
    private final CUfunction function;
    private final long address;
    private final String name;
    private final boolean overlaps;
    private final Signature signature;

    /** @param overlaps whether the device lets a kernel begin before the one ahead has ended */
    Kernel(CUfunction function, String name, boolean overlaps) {
        this.function = function;
        this.address = Address.of(function);
        this.name = name;
        this.overlaps = overlaps;
        this.signature = Signature.of(address);
    }

    /** Allows launches so many bytes of dynamic shared memory a block, which above 48 KB must be asked for. */
    public Kernel withDynamicSharedMemory(int bytes) {
        Status.check(
                JCudaDriver.cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
                "cuFuncSetAttribute",
                () -> "allow %s %d bytes of dynamic shared memory a block".formatted(name, bytes));
        return this;
    }

    /** Queues the kernel; the arguments may be written again as soon as this returns. */
    public void launch(Stream stream, Grid grid, KernelArguments arguments) {
        launch(stream, grid, arguments, false);
    }

    /**
     * Queues the kernel so that it may begin while the one ahead of it in the stream ends (programmatic dependent
     * launch, CUDA programming guide): it must {@code griddepcontrol_wait()} before it touches anything the kernels
     * ahead wrote, or writes what they read. Before Hopper, an ordinary launch.
     */
    public void launchOverlapping(Stream stream, Grid grid, KernelArguments arguments) {
        launch(stream, grid, arguments, overlaps);
    }

    private void launch(Stream stream, Grid grid, KernelArguments arguments, boolean overlapping) {
        if (!arguments.fit(signature)) {
            throw new IllegalArgumentException("%s takes %s and was given %s".formatted(name, signature, arguments));
        }
        int code = Launcher.launch(
                address,
                grid.x(),
                grid.y(),
                grid.z(),
                grid.threads(),
                grid.sharedBytes(),
                stream.address(),
                arguments.address(),
                overlapping);
        if (code != CUresult.CUDA_SUCCESS) {
            throw Status.failure(code, "cuLaunchKernelEx", "launch %s with %s and %s".formatted(name, grid, arguments));
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
