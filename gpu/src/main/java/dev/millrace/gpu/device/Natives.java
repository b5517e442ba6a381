package dev.millrace.gpu.device;

import java.nio.file.Path;
import jcuda.JCudaVersion;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;

/** Loads the native libraries, each once a process and not before it is needed. */
final class Natives {
    private static final Path TEMPORARY_FOLDER = Path.of(System.getProperty("java.io.tmpdir"));

    private static boolean driverLoaded;
    private static boolean blasLoaded;

    private Natives() {}

    /** Where this machine's processes meet; read before anything here changes the property for a moment. */
    static Path temporaryFolder() {
        return TEMPORARY_FOLDER;
    }

    /** @throws GpuUnavailableException where the machine has no NVIDIA driver */
    static synchronized void loadDriver() {
        if (driverLoaded) {
            return;
        }
        checkPlatform();
        try (UnpackedLibraries libraries = new UnpackedLibraries()) {
            loadJCuda(libraries);
            loadLauncher(libraries);
        }
        driverLoaded = true;
    }

    private static void loadJCuda(UnpackedLibraries libraries) {
        try {
            libraries.load(JCudaDriver.class, libraryOfJCuda("JCudaDriver"));
        } catch (UnsatisfiedLinkError e) {
            throw new GpuUnavailableException(
                    "no NVIDIA driver was found: install one of at least version %d, start the container with --gpus, or use --device cpu"
                            .formatted(Driver.leastDriver()),
                    e);
        }
        libraries.initialize(() -> JCudaDriver.setExceptionsEnabled(false));
    }

    private static void loadLauncher(UnpackedLibraries libraries) {
        try {
            if (!libraries.load(Launcher.class, "liblauncher.so")) {
                throw new UnsatisfiedLinkError("the build had no gcc");
            }
        } catch (UnsatisfiedLinkError e) {
            throw new GpuUnavailableException(
                    "this build's library for GPUs cannot be used (%s): build again here, with gcc and CUDA's nvcc on PATH, or use --device cpu"
                            .formatted(e.getMessage()),
                    e);
        }
        if (!Launcher.bind()) {
            throw new GpuUnavailableException(
                    "the NVIDIA driver is too old: update it to at least version %d, or use --device cpu"
                            .formatted(Driver.leastDriver()));
        }
    }

    /** @throws GpuUnavailableException where neither CUDA 12's nor CUDA 13's cuBLAS is found */
    static synchronized void loadBlas() {
        if (blasLoaded) {
            return;
        }
        try (UnpackedLibraries libraries = new UnpackedLibraries()) {
            CublasLibrary.load(libraries, libraryOfJCuda("JCublas2"));
            libraries.initialize(() -> JCublas2.setExceptionsEnabled(false));
        }
        blasLoaded = true;
    }

    private static String libraryOfJCuda(String name) {
        return "/lib/lib%s-%s-linux-x86_64.so".formatted(name, JCudaVersion.get());
    }

    private static void checkPlatform() {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.equals("Linux amd64")) {
            throw new GpuUnavailableException(
                    "GPUs are used on x86-64 Linux alone, and this is %s: use --device cpu".formatted(system));
        }
    }
}
