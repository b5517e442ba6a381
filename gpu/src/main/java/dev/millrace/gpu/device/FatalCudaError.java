package dev.millrace.gpu.device;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What to do about an error after which no call to CUDA in this process can succeed. */
public final class FatalCudaError {
    /** The exit code of a process that lost its GPU; {@code EX_SOFTWARE} of sysexits.h. */
    public static final int EXIT_CODE = 70;

    private static final Logger LOG = LoggerFactory.getLogger(FatalCudaError.class);

    private FatalCudaError() {}

    /**
     * Ends the process where the failure, or what caused it, is a sticky CUDA error; returns where it is not. No
     * shutdown hook runs, since one that calls CUDA could wait for ever; work goes on from the last checkpoint.
     */
    public static void endProcessIfSticky(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CudaException cuda && cuda.isSticky()) {
                LOG.error(
                        "The GPU's context is lost; the process ends with code {} to be started again",
                        EXIT_CODE,
                        cuda);
                Runtime.getRuntime().halt(EXIT_CODE);
            }
        }
    }
}
