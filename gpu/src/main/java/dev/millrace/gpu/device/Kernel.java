package dev.millrace.gpu.device;

import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;

import jcuda.driver.CUfunction;
import jcuda.driver.JCudaDriver;

/** One {@code __global__} function. */
public final class Kernel {
    private final CUfunction function;
    private final String name;

    Kernel(CUfunction function, String name) {
        this.function = function;
        this.name = name;
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
        Status.check(
                JCudaDriver.cuLaunchKernel(
                        function,
                        grid.x(),
                        grid.y(),
                        grid.z(),
                        grid.threads(),
                        1,
                        1,
                        grid.sharedBytes(),
                        stream.handle(),
                        arguments.pointer(),
                        null),
                "cuLaunchKernel",
                () -> "launch %s with %s and %s".formatted(name, grid, arguments));
    }

    @Override
    public String toString() {
        return name;
    }
}
