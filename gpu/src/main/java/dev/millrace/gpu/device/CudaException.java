package dev.millrace.gpu.device;

/** A call to CUDA or cuBLAS that failed; the message holds the call, its code's name, what was asked and what to do. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final int code;
    private final boolean sticky;
    private final boolean outOfMemory;

    CudaException(String message, String call, int code, boolean sticky, boolean outOfMemory) {
        super(message);
        this.call = call;
        this.code = code;
        this.sticky = sticky;
        this.outOfMemory = outOfMemory;
    }

    /** The function that failed, as CUDA's manual spells it. */
    public String call() {
        return call;
    }

    /** The status it returned: a {@code CUresult} or a {@code cublasStatus_t}. */
    public int code() {
        return code;
    }

    /** Whether the context is broken for good, so that only another process can use the device again. */
    public boolean isSticky() {
        return sticky;
    }

    public boolean isOutOfMemory() {
        return outOfMemory;
    }
}
