package dev.millrace.gpu.operations;

import java.util.stream.IntStream;

/**
 * How many rows a product by cuBLAS computes: so many numbers only that all can be tried at start-up. For cuBLAS loads a kernel
 * where it first chooses it, and meanwhile holds up its callers on every GPU of the process until all of them have nothing to
 * do (measured with cuBLAS 13.0 on an H200), which never comes about while they wait for each other.
 */
public final class ProductRows {

    private static final int[] UP_TO = {16, 256, 4096, Integer.MAX_VALUE};
    private static final int[] MULTIPLE = {1, 16, 64, 256};

    private ProductRows() {}

    /** Rows that are computed where so many are wanted; buffers have room for them. What the others become means nothing. */
    public static int atLeast(int rows) {
        int i = 0;
        while (rows > UP_TO[i]) {
            i++;
        }
        return Math.toIntExact((rows + MULTIPLE[i] - 1L) / MULTIPLE[i] * MULTIPLE[i]);
    }

    /** All numbers of rows that are computed where at most so many are wanted. */
    public static IntStream upTo(int most) {
        return IntStream.iterate(1, rows -> rows <= atLeast(most), rows -> atLeast(rows + 1));
    }
}
