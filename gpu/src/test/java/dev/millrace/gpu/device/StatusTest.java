package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;

import jcuda.driver.CUresult;
import jcuda.jcublas.cublasStatus;
import org.junit.jupiter.api.Test;

class StatusTest {

    @Test
    void aFailureTellsTheCallItsCodeWhatWasAskedAndWhatToDo() {
        CudaException failure =
                Status.failure(CUresult.CUDA_ERROR_OUT_OF_MEMORY, "cuMemAlloc", "7 bytes for the cache");
        assertThat(failure)
                .hasMessage("cuMemAlloc failed with CUDA_ERROR_OUT_OF_MEMORY (2): 7 bytes for the cache; lower"
                        + " --gpu-memory-utilization, or end what else uses the GPU");
        assertThat(failure.isOutOfMemory()).isTrue();
        assertThat(failure.isSticky()).isFalse();
        assertThat(failure.call()).isEqualTo("cuMemAlloc");
        assertThat(failure.code()).isEqualTo(2);
    }

    @Test
    void onlyErrorsThatLoseTheContextAreSticky() {
        assertThat(Status.failure(CUresult.CUDA_ERROR_LAUNCH_FAILED, "cuStreamSynchronize", "wait")
                        .isSticky())
                .isTrue();
        assertThat(Status.failure(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, "cuStreamSynchronize", "wait")
                        .isSticky())
                .isTrue();
        assertThat(Status.failure(CUresult.CUDA_ERROR_INVALID_VALUE, "cuLaunchKernel", "launch")
                        .isSticky())
                .isFalse();
        assertThat(Status.failure(CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "cuLaunchKernel", "launch")
                        .isSticky())
                .isFalse();
    }

    @Test
    void anUnknownCodeIsGivenAsANumber() {
        assertThat(Status.failure(4711, "cuInit", "start")).hasMessageContaining("4711");
        assertThat(Status.blasFailure(4712, "cublasCreate", "start")).hasMessageContaining("4712");
    }

    @Test
    void cublasOutOfMemoryIsOutOfMemory() {
        assertThat(Status.blasFailure(cublasStatus.CUBLAS_STATUS_ALLOC_FAILED, "cublasCreate", "start")
                        .isOutOfMemory())
                .isTrue();
    }
}
