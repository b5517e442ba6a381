package dev.millrace.gpu.device;

import static jcuda.cudaDataType.CUDA_R_16BF;
import static jcuda.cudaDataType.CUDA_R_32F;
import static jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F;
import static jcuda.jcublas.cublasGemmAlgo.CUBLAS_GEMM_DEFAULT;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;

import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/** Matrix products by cuBLAS on one stream, in a workspace of the caller's, so that graphs can hold them. */
public final class Blas implements AutoCloseable {
    private final cublasHandle handle = new cublasHandle();
    private final Pointer one = Pointer.to(new float[] {1});
    private final float[] scale = new float[1];
    private final Pointer beta = Pointer.to(scale);
    private final Resources owner;

    Blas(Stream stream, DeviceBuffer workspace, Resources owner) {
        this.owner = owner;
        Status.checkBlas(JCublas2.cublasCreate(handle), "cublasCreate", "make a cuBLAS handle");
        owner.add(this, "a cuBLAS handle", this::destroy);
        Status.checkBlas(
                JCublas2.cublasSetStream(handle, new cudaStream_t(stream.handle())),
                "cublasSetStream",
                "bind a cuBLAS handle to a stream");
        Status.checkBlas(
                JCublas2.cublasSetWorkspace(handle, workspace.pointer(), workspace.bytes()),
                "cublasSetWorkspace",
                "give cuBLAS " + workspace);
    }

    /**
     * y[rows,out] = x[rows,in]·W[out,in]ᵀ + beta·y, all row-major, summed in fp32.
     *
     * @param type of W and x
     * @param wStride elements from one row of W to the next, as the other strides are for x and y
     */
    public void multiply(
            Type type,
            DeviceBuffer w,
            int out,
            int in,
            int wStride,
            DeviceBuffer x,
            int rows,
            int xStride,
            DeviceBuffer y,
            Type yType,
            int yStride,
            float beta) {
        checkFits(w, out, in, wStride, type);
        checkFits(x, rows, in, xStride, type);
        checkFits(y, rows, out, yStride, yType);
        scale[0] = beta;
        int code = JCublas2.cublasGemmEx_new(
                handle,
                CUBLAS_OP_T,
                CUBLAS_OP_N,
                out,
                rows,
                in,
                one,
                w.pointer(),
                cudaType(type),
                wStride,
                x.pointer(),
                cudaType(type),
                xStride,
                this.beta,
                y.pointer(),
                cudaType(yType),
                yStride,
                CUBLAS_COMPUTE_32F,
                CUBLAS_GEMM_DEFAULT);
        if (code != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw Status.blasFailure(
                    code,
                    "cublasGemmEx",
                    "y[%d,%d] (%s, stride %d) = x[%d,%d] (stride %d) times W[%d,%d] (%s, stride %d) transposed"
                            .formatted(rows, out, yType, yStride, rows, in, xStride, out, in, type, wStride));
        }
    }

    private static void checkFits(DeviceBuffer matrix, int rows, int columns, int stride, Type type) {
        if (rows < 1 || columns < 1 || stride < columns) {
            throw new IllegalArgumentException(
                    "a matrix of %d x %d with rows %d apart".formatted(rows, columns, stride));
        }
        matrix.checkRange(0, ((rows - 1) * (long) stride + columns) * type.bytes());
    }

    private static int cudaType(Type type) {
        return switch (type) {
            case BF16 -> CUDA_R_16BF;
            case F32 -> CUDA_R_32F;
        };
    }

    private void destroy() {
        Status.checkBlas(JCublas2.cublasDestroy(handle), "cublasDestroy", "destroy a cuBLAS handle");
    }

    @Override
    public void close() {
        owner.close(this);
    }
}
