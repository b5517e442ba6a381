package dev.millrace.gpu.device;

import static jcuda.driver.CUresult.CUDA_ERROR_ASSERT;
import static jcuda.driver.CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED;
import static jcuda.driver.CUresult.CUDA_ERROR_ECC_UNCORRECTABLE;
import static jcuda.driver.CUresult.CUDA_ERROR_EXTERNAL_DEVICE;
import static jcuda.driver.CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_IMAGE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_PC;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_TIMEOUT;
import static jcuda.driver.CUresult.CUDA_ERROR_MISALIGNED_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU;
import static jcuda.driver.CUresult.CUDA_ERROR_NO_DEVICE;
import static jcuda.driver.CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE;
import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static jcuda.driver.CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
import static jcuda.driver.CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION;

import java.util.Set;
import java.util.function.Supplier;
import jcuda.driver.CUresult;
import jcuda.jcublas.cublasStatus;

/** Turns statuses into exceptions; every call to CUDA and cuBLAS passes here. */
final class Status {
    /**
     * After these the context is lost and each later call returns the same (CUDA driver API, "Data types used by CUDA
     * driver": "the process must be terminated and relaunched").
     */
    private static final Set<Integer> STICKY = Set.of(
            CUDA_ERROR_ILLEGAL_ADDRESS,
            CUDA_ERROR_LAUNCH_TIMEOUT,
            CUDA_ERROR_ASSERT,
            CUDA_ERROR_HARDWARE_STACK_ERROR,
            CUDA_ERROR_ILLEGAL_INSTRUCTION,
            CUDA_ERROR_MISALIGNED_ADDRESS,
            CUDA_ERROR_INVALID_ADDRESS_SPACE,
            CUDA_ERROR_INVALID_PC,
            CUDA_ERROR_LAUNCH_FAILED,
            CUDA_ERROR_ECC_UNCORRECTABLE,
            CUDA_ERROR_NVLINK_UNCORRECTABLE,
            CUDA_ERROR_EXTERNAL_DEVICE,
            CUDA_ERROR_CONTEXT_IS_DESTROYED);

    private Status() {}

    /** @param asked what the call was to do, with shapes and bytes; built only for a failure */
    static void check(int code, String call, Supplier<String> asked) {
        if (code != CUresult.CUDA_SUCCESS) {
            throw failure(code, call, asked.get());
        }
    }

    static void check(int code, String call, String asked) {
        if (code != CUresult.CUDA_SUCCESS) {
            throw failure(code, call, asked);
        }
    }

    static CudaException failure(int code, String call, String asked) {
        String message =
                "%s failed with %s (%d): %s; %s".formatted(call, CUresult.stringFor(code), code, asked, remedy(code));
        return new CudaException(message, call, code, STICKY.contains(code), code == CUDA_ERROR_OUT_OF_MEMORY);
    }

    static void checkBlas(int code, String call, String asked) {
        if (code != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw blasFailure(code, call, asked);
        }
    }

    /** cuBLAS hides the driver's status behind its own, so what it calls an execution failure counts as sticky. */
    static CudaException blasFailure(int code, String call, String asked) {
        boolean sticky = code == cublasStatus.CUBLAS_STATUS_EXECUTION_FAILED;
        String remedy = sticky
                ? "a kernel before it broke the context: the process must be restarted"
                : "check that cuBLAS and the driver belong together";
        String message =
                "%s failed with %s (%d): %s; %s".formatted(call, cublasStatus.stringFor(code), code, asked, remedy);
        return new CudaException(message, call, code, sticky, code == cublasStatus.CUBLAS_STATUS_ALLOC_FAILED);
    }

    private static String remedy(int code) {
        if (STICKY.contains(code)) {
            return "a kernel or the device failed and the context is lost: the process must be restarted";
        }
        return switch (code) {
            case CUDA_ERROR_OUT_OF_MEMORY -> "lower --gpu-memory-utilization, or end what else uses the GPU";
            case CUDA_ERROR_NO_DEVICE -> "make a GPU visible (CUDA_VISIBLE_DEVICES, a container's --gpus), or use --device cpu";
            case CUDA_ERROR_NO_BINARY_FOR_GPU,
                    CUDA_ERROR_INVALID_IMAGE,
                    CUDA_ERROR_UNSUPPORTED_PTX_VERSION -> "the kernels were not built for this GPU and driver: update the driver, or build with an older nvcc";
            case CUDA_ERROR_SYSTEM_DRIVER_MISMATCH -> "the driver's parts are of different versions: reboot the machine";
            case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES -> "the launch wants more threads, registers or shared memory than a block has";
            case CUDA_ERROR_INVALID_VALUE -> "an argument is outside what the call allows";
            default -> "CUDA's manual describes the code under CUresult";
        };
    }
}
