package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Kernel;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** A kernel and the block of memory that its arguments are written into, launch after launch, by one thread. */
final class Operation {

    private final Kernel kernel;
    private final KernelArguments arguments;

    Operation(Device device, String file, String function) {
        kernel = device.load(file).kernel(function);
        arguments = device.newArguments();
    }

    /** A kernel whose blocks have so many bytes of dynamic shared memory. */
    Operation(Device device, String file, String function, int sharedBytes) {
        kernel = device.load(file).kernel(function).withDynamicSharedMemory(sharedBytes);
        arguments = device.newArguments();
    }

    /** The kernel of a storage type in a file that has one for each. */
    static Operation of(Device device, String file, Type type) {
        return new Operation(device, file, file + suffix(type));
    }

    static String suffix(Type type) {
        return switch (type) {
            case BF16 -> "_bf16";
            case F32 -> "_f32";
        };
    }

    /** The arguments, forgotten, to be written anew. */
    KernelArguments arguments() {
        return arguments.reset();
    }

    /** The arguments so far, to be added to. */
    KernelArguments append() {
        return arguments;
    }

    void launch(Stream stream, Grid grid) {
        kernel.launch(stream, grid, arguments);
    }

    /** As {@link Kernel#launchOverlapping}. */
    void launchOverlapping(Stream stream, Grid grid) {
        kernel.launchOverlapping(stream, grid, arguments);
    }

    /** Blocks of {@code threads} that cover {@code count}. */
    static int blocks(long count, int threads) {
        return Math.toIntExact((count + threads - 1) / threads);
    }

    /** @throws IllegalArgumentException if a buffer is shorter than what a kernel will touch */
    static void requireBytes(DeviceBuffer buffer, long bytes, String shape) {
        if (buffer.bytes() < bytes) {
            throw new IllegalArgumentException(shape + " takes " + bytes + " bytes; the buffer is " + buffer);
        }
    }
}
