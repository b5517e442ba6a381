package dev.millrace.gpu.device;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import jcuda.driver.JCudaDriver;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the cuBLAS that JCublas 12 is to use: what the dynamic linker knows, else CUDA 12's where toolkits lie, or CUDA
 * 13's behind the forwarder that takes the older name. glibc takes a dependency as met by a library that is already
 * loaded under the same soname, so it is enough to load the right file first.
 */
final class CublasLibrary {
    private static final Logger LOG = LoggerFactory.getLogger(CublasLibrary.class);
    private static final Path TOOLKITS = Path.of("/usr/local");

    private CublasLibrary() {}

    /** Loads JCublas, a resource of the class path, and what it needs. */
    static void load(UnpackedLibraries libraries, String jcublas) {
        try {
            libraries.load(JCudaDriver.class, jcublas);
        } catch (UnsatisfiedLinkError unknownToTheLinker) {
            try {
                provide(libraries);
                libraries.load(JCudaDriver.class, jcublas);
            } catch (UnsatisfiedLinkError e) {
                e.addSuppressed(unknownToTheLinker);
                throw new GpuUnavailableException(
                        "cuBLAS was not found: install CUDA 12's or 13's, or put its folder on LD_LIBRARY_PATH or its toolkit in CUDA_HOME (%s; %s)"
                                .formatted(unknownToTheLinker.getMessage(), e.getMessage()),
                        e);
            }
        }
    }

    /** The first folder that has either version decides; where none has, the linker may still know version 13. */
    private static void provide(UnpackedLibraries libraries) {
        for (Path folder : folders()) {
            if (has(folder, 12)) {
                loadFrom(folder, 12);
                return;
            }
            if (has(folder, 13)) {
                loadFrom(folder, 13);
                break;
            }
        }
        if (!libraries.load(CublasLibrary.class, "libcublas.so.12")) {
            throw new UnsatisfiedLinkError("the build had no gcc to make the forwarder to libcublas.so.13");
        }
    }

    private static boolean has(Path folder, int version) {
        return Files.exists(folder.resolve("libcublas.so." + version));
    }

    private static void loadFrom(Path folder, int version) {
        LOG.info("cuBLAS {} is taken from {}", version, folder);
        Path lt = folder.resolve("libcublasLt.so." + version);
        if (Files.exists(lt)) {
            System.load(lt.toString());
        }
        System.load(folder.resolve("libcublas.so." + version).toString());
    }

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        String path = Optional.ofNullable(System.getenv("LD_LIBRARY_PATH")).orElse("");
        Arrays.stream(path.split(File.pathSeparator))
                .filter(entry -> entry.startsWith("/"))
                .forEach(entry -> folders.add(Path.of(entry)));
        Optional.ofNullable(System.getenv("CUDA_HOME"))
                .ifPresent(home -> folders.add(Path.of(home).toAbsolutePath().resolve("lib64")));
        try (var toolkits = Files.newDirectoryStream(TOOLKITS, "cuda*")) {
            for (Path toolkit : toolkits) {
                folders.add(toolkit.resolve("lib64"));
                folders.add(toolkit.resolve("targets/x86_64-linux/lib"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the folder " + TOOLKITS + " could not be read", e);
        }
        return folders;
    }
}
