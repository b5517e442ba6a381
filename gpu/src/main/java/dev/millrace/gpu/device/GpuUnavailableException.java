package dev.millrace.gpu.device;

/** A GPU was asked for and cannot be used on this machine; the message says why and what to do. */
public final class GpuUnavailableException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    GpuUnavailableException(String message) {
        super(message);
    }

    GpuUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
