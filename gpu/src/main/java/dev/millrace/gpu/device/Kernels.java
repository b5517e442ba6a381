package dev.millrace.gpu.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** The compiled kernels in the jar, which are there when nvcc was there at the build. */
final class Kernels {
    private static final String FOLDER = "/dev/millrace/gpu/cuda/";

    private Kernels() {}

    /** The fat binary of one source file, in direct memory. */
    static ByteBuffer image(String name) {
        try (InputStream in = Kernels.class.getResourceAsStream(FOLDER + name + ".fatbin")) {
            if (in == null) {
                throw new GpuUnavailableException("the kernels " + name + " were not built: put CUDA's nvcc on PATH and"
                        + " build again, or use --device cpu");
            }
            byte[] bytes = in.readAllBytes();
            return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        } catch (IOException e) {
            throw new UncheckedIOException("the kernels " + name + " could not be read", e);
        }
    }
}
