package dev.millrace.gpu.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import jcuda.JCudaVersion;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;

/**
 * Loads the native libraries, once a process. JCuda would unpack its own into the shared temporary folder under fixed
 * names, where two processes starting together, or another user, can make it load a broken or foreign file; so they are
 * unpacked into a folder of this process's own, which is gone again once they are loaded.
 */
final class Natives {
    private static final String DRIVER = "libJCudaDriver-" + JCudaVersion.get() + "-linux-x86_64.so";
    private static final String BLAS = "libJCublas2-" + JCudaVersion.get() + "-linux-x86_64.so";

    private static boolean driverLoaded;
    private static boolean blasLoaded;

    private Natives() {}

    static synchronized void loadDriver() {
        if (!driverLoaded) {
            checkPlatform();
            withUnpacked(List.of("/lib/" + DRIVER), folder -> {
                loadOrExplain(
                        folder.resolve(DRIVER),
                        "no NVIDIA driver was found (libcuda.so.1): install one, start the container with --gpus, or"
                                + " use --device cpu");
                JCudaDriver.setExceptionsEnabled(false);
            });
            driverLoaded = true;
        }
    }

    static synchronized void loadBlas() {
        loadDriver();
        if (!blasLoaded) {
            withUnpacked(List.of("/lib/" + BLAS), folder -> {
                loadOrExplain(
                        folder.resolve(BLAS),
                        "cuBLAS was not found (libcublas.so.12): install CUDA 12 or 13, or put its lib64 folder on"
                                + " LD_LIBRARY_PATH");
                JCublas2.setExceptionsEnabled(false);
            });
            blasLoaded = true;
        }
    }

    private static void checkPlatform() {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.equals("Linux amd64")) {
            throw new GpuUnavailableException(
                    "GPUs are used on x86-64 Linux alone, and this is %s: use --device cpu".formatted(system));
        }
    }

    private static void loadOrExplain(Path library, String sentence) {
        try {
            System.load(library.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new GpuUnavailableException(sentence + " (" + e.getMessage() + ")", e);
        }
    }

    private interface Loading {
        void in(Path folder) throws IOException;
    }

    /** JCuda's classes look for their libraries in {@code java.io.tmpdir} when they are initialised. */
    private static void withUnpacked(List<String> resources, Loading loading) {
        String temporary = System.getProperty("java.io.tmpdir");
        try {
            Path folder = Files.createTempDirectory("millrace-gpu");
            try {
                for (String resource : resources) {
                    unpack(resource, folder);
                }
                System.setProperty("java.io.tmpdir", folder.toString());
                loading.in(folder);
            } finally {
                System.setProperty("java.io.tmpdir", temporary);
                delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the GPU's libraries could not be unpacked into " + temporary, e);
        }
    }

    private static void unpack(String resource, Path folder) throws IOException {
        try (InputStream in = Optional.ofNullable(JCudaDriver.class.getResourceAsStream(resource))
                .orElseThrow(() -> new IOException("the class path lacks " + resource))) {
            Files.copy(in, folder.resolve(resource.substring(resource.lastIndexOf('/') + 1)));
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
