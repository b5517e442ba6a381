package dev.millrace.gpu.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The compiled kernels in the jar, which are there when nvcc was there at the build. */
final class Kernels {
    private static final String FOLDER = "/dev/millrace/gpu/cuda/";
    private static final Pattern RELEASE = Pattern.compile("release (\\d+)\\.");

    private Kernels() {}

    /** The major version of the CUDA toolkit that compiled the kernels; empty where they were not compiled. */
    static OptionalInt toolkit() {
        Optional<String> version = read("compiler.txt").map(bytes -> new String(bytes, StandardCharsets.UTF_8));
        if (version.isEmpty()) {
            return OptionalInt.empty();
        }
        Matcher matcher = RELEASE.matcher(version.get());
        if (!matcher.find()) {
            throw new IllegalStateException("no CUDA release is named in compiler.txt: " + version.get());
        }
        return OptionalInt.of(Integer.parseInt(matcher.group(1)));
    }

    /** The fat binary of one source file, in direct memory. */
    static ByteBuffer image(String name) {
        byte[] bytes = read(name + ".fatbin").orElseThrow(() -> missing("the CUDA kernels of " + name));
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    static GpuUnavailableException missing(String what) {
        return new GpuUnavailableException(
                "%s are not in this build: put CUDA's nvcc on PATH and build again, or use --device cpu"
                        .formatted(what));
    }

    private static Optional<byte[]> read(String file) {
        try (InputStream in = Kernels.class.getResourceAsStream(FOLDER + file)) {
            return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException("the resource " + file + " could not be read", e);
        }
    }
}
