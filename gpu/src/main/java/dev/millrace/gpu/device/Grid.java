package dev.millrace.gpu.device;

/** The shape of a launch: blocks in x, y and z, threads a block (along x), dynamic shared memory a block in bytes. */
public record Grid(int x, int y, int z, int threads, int sharedBytes) {

    public Grid {
        if (x < 1 || y < 1 || z < 1 || threads < 1 || sharedBytes < 0) {
            throw new IllegalArgumentException("a launch of %d x %d x %d blocks of %d threads and %d bytes is empty"
                    .formatted(x, y, z, threads, sharedBytes));
        }
        if (y > 65_535 || z > 65_535 || threads > 1024) {
            throw new IllegalArgumentException(
                    "a launch has at most 65535 blocks in y and z and 1024 threads a block, not %d, %d and %d"
                            .formatted(y, z, threads));
        }
    }

    public static Grid of(int blocks, int threads) {
        return new Grid(blocks, 1, 1, threads, 0);
    }

    public static Grid of(int x, int y, int threads) {
        return new Grid(x, y, 1, threads, 0);
    }

    public static Grid of(int x, int y, int z, int threads) {
        return new Grid(x, y, z, threads, 0);
    }

    /** The same launch with so much dynamic shared memory a block. */
    public Grid withShared(int bytes) {
        return new Grid(x, y, z, threads, bytes);
    }
}
