package dev.millrace.gpu.device;

import java.nio.ByteBuffer;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** The kernels of one source file, loaded into a device. */
public final class Module {
    private final CUmodule module = new CUmodule();
    private final String name;
    private final boolean overlaps;

    /** @param image in direct memory: JCuda holds an array's lock, and so the collector, while the driver compiles */
    Module(String name, ByteBuffer image, int computeCapability, Resources owner) {
        this.name = name;
        this.overlaps = computeCapability >= 90;
        Status.check(
                JCudaDriver.cuModuleLoadDataEx(module, Pointer.to(image), 0, new int[0], Pointer.to(new long[0])),
                "cuModuleLoadDataEx",
                () -> "load the kernels " + name);
        owner.add(
                this,
                "the kernels " + name,
                () -> Status.check(JCudaDriver.cuModuleUnload(module), "cuModuleUnload", "unload the kernels " + name));
    }

    public Kernel kernel(String function) {
        CUfunction handle = new CUfunction();
        Status.check(
                JCudaDriver.cuModuleGetFunction(handle, module, function), "cuModuleGetFunction", () -> "find %s in %s"
                        .formatted(function, name));
        return new Kernel(handle, function, overlaps);
    }
}
