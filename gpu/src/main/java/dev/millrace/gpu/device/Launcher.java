package dev.millrace.gpu.device;

/** The few functions of the driver that JCuda lacks, by a library of our own. */
final class Launcher {
    /** What {@link #parameterBytes} says where it cannot tell. */
    static final int UNKNOWN = -1;

    private Launcher() {}

    /**
     * Finds the functions in the driver, once the library is loaded and before the driver is started.
     *
     * @return whether the driver has them
     */
    static native boolean bind();

    /**
     * {@code cuLaunchKernelEx}.
     *
     * @param parameters address of the table of the parameters' addresses
     * @param overlapping whether the kernel may begin while the one before it in the stream ends
     * @return its status
     */
    static native int launch(
            long function,
            int x,
            int y,
            int z,
            int threads,
            int sharedBytes,
            long stream,
            long parameters,
            boolean overlapping);

    /** The size of a kernel's parameter, 0 behind the last. */
    static native int parameterBytes(long function, int index);
}
