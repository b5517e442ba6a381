// The few functions of cuBLAS that the project calls (libcublas.so.12): matrix products in bf16 or fp32 with fp32 sums, in stream order.
#include <algorithm>

#include "driver.h"

struct CublasHandle {
    Device* device;
    Stream* stream;
};

namespace {

enum Status { OK = 0, NOT_INITIALIZED_STATUS = 1, INVALID = 7, EXECUTION_FAILED = 13, UNSUPPORTED = 15 };
enum DataType { F32 = 0, BF16 = 14 };
constexpr int COMPUTE_32F = 68;
Handles<CublasHandle>& handles = *new Handles<CublasHandle>();

typedef float Vector __attribute__((vector_size(32)));
constexpr int LANES = 8, TILE = 4;

// A column-major matrix in device memory; `transposed` says whether the product takes it so.
struct Matrix {
    const void* data;
    int type;
    long stride;
    bool transposed;

    float at(long row, long column) const {
        const long i = row + column * stride;
        if (type == F32) return static_cast<const float*>(data)[i];
        return __uint_as_float(static_cast<unsigned>(static_cast<const uint16_t*>(data)[i]) << 16);
    }
};

// Rows [first, first + TILE) of op(matrix) as vectors over k, zero beyond the edges: panel[k / LANES][row].
void pack(const Matrix& matrix, bool byRow, long first, long rows, long k, std::vector<Vector>& panel) {
    panel.assign((k + LANES - 1) / LANES * TILE, Vector{});
    for (long r = 0; r < TILE && first + r < rows; r++) {
        for (long i = 0; i < k; i++) {
            panel[i / LANES * TILE + r][i % LANES] = byRow ? matrix.at(first + r, i) : matrix.at(i, first + r);
        }
    }
}

uint16_t to_bf16(float x) {
    const unsigned bits = __float_as_uint(x);
    return x != x ? 0x7fff : static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// C[m,n] = alpha · op(A)[m,k] · op(B)[k,n] + beta · C, all column-major.
void multiply(Matrix a, Matrix b, void* c, int cType, long ldc, long m, long n, long k, float alpha, float beta) {
    const long steps = (k + LANES - 1) / LANES;
    std::vector<std::vector<Vector>> right((n + TILE - 1) / TILE);
    for (size_t j = 0; j < right.size(); j++) pack(b, b.transposed, j * TILE, n, k, right[j]);
    std::vector<Vector> left;
    for (long i = 0; i < m; i += TILE) {
        pack(a, !a.transposed, i, m, k, left);
        for (long j = 0; j < n; j += TILE) {
            const Vector* x = left.data();
            const Vector* y = right[j / TILE].data();
            Vector sums[TILE][TILE] = {};
            for (long s = 0; s < steps; s++, x += TILE, y += TILE) {
                for (int p = 0; p < TILE; p++) {
                    for (int q = 0; q < TILE; q++) sums[p][q] += x[p] * y[q];
                }
            }
            for (long p = 0; p < std::min<long>(TILE, m - i); p++) {
                for (long q = 0; q < std::min<long>(TILE, n - j); q++) {
                    const Vector& v = sums[p][q];
                    const long at = i + p + (j + q) * ldc;
                    float sum = alpha * (((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])));
                    if (beta != 0) sum += beta * Matrix{c, cType, 0, false}.at(at, 0);
                    if (cType == F32) {
                        static_cast<float*>(c)[at] = sum;
                    } else {
                        static_cast<uint16_t*>(c)[at] = to_bf16(sum);
                    }
                }
            }
        }
    }
}

bool known(int type) { return type == F32 || type == BF16; }
size_t size_of(int type) { return type == F32 ? 4 : 2; }

struct Product {
    bool transposeA, transposeB;
    int m, n, k;
    float alpha, beta;
    Matrix a, b;
    void* c;
    int cType;
    long ldc, strideA, strideB, strideC;
    int count;
};

Status run(CublasHandle* handle, const Product& p) {
    if (p.m < 0 || p.n < 0 || p.k < 0 || p.count < 0 || p.ldc < std::max(1, p.m)) return INVALID;
    if (p.a.stride < std::max(1, p.transposeA ? p.k : p.m) || p.b.stride < std::max(1, p.transposeB ? p.n : p.k)) return INVALID;
    if (!known(p.a.type) || p.a.type != p.b.type || !known(p.cType) || (p.a.type == F32 && p.cType == BF16)) return UNSUPPORTED;
    Lock lock(driver_lock);
    const std::shared_ptr<CublasHandle> open = handles.find(handle);
    Device* device = nullptr;
    StreamPtr stream;
    if (!open) return NOT_INITIALIZED_STATUS;
    if (current_device(device) || find_stream(*device, open->stream, stream)) return EXECUTION_FAILED;
    if (p.m == 0 || p.n == 0 || p.count == 0) return OK;
    const Result result = submit(stream, [p] {
        return guarded("cublasGemmEx", [&] {
            for (long i = 0; i < p.count; i++) {
                Matrix a = p.a, b = p.b;
                a.data = static_cast<const char*>(a.data) + i * p.strideA * size_of(a.type);
                b.data = static_cast<const char*>(b.data) + i * p.strideB * size_of(b.type);
                multiply(a, b, static_cast<char*>(p.c) + i * p.strideC * size_of(p.cType), p.cType, p.ldc, p.m, p.n, p.k, p.alpha, p.beta);
            }
        });
    });
    return result ? EXECUTION_FAILED : OK;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

Status cublasCreate_v2(CublasHandle** handle) {
    return with_device([&](Lock&, Device& device) {
               *handle = handles.add(std::make_shared<CublasHandle>(CublasHandle{&device, nullptr}));
               return SUCCESS;
           })
                   ? NOT_INITIALIZED_STATUS
                   : OK;
}
Status cublasDestroy_v2(CublasHandle* handle) {
    Lock lock(driver_lock);
    return handles.remove(handle) ? OK : NOT_INITIALIZED_STATUS;
}
Status cublasSetStream_v2(CublasHandle* handle, Stream* stream) {
    Lock lock(driver_lock);
    const std::shared_ptr<CublasHandle> open = handles.find(handle);
    if (!open) return NOT_INITIALIZED_STATUS;
    open->stream = stream;
    return OK;
}
Status cublasSetWorkspace_v2(CublasHandle* handle, void* workspace, size_t bytes) {
    Lock lock(driver_lock);
    if (!handles.find(handle)) return NOT_INITIALIZED_STATUS;
    const auto address = reinterpret_cast<uintptr_t>(workspace);
    return bytes == 0 || (address % 256 == 0 && in_device_memory(address, bytes, -1)) ? OK : INVALID;
}
Status cublasSetMathMode(CublasHandle*, int) { return OK; }
Status cublasSetPointerMode_v2(CublasHandle*, int mode) { return mode == 0 ? OK : UNSUPPORTED; }
Status cublasGetVersion_v2(CublasHandle*, int* version) { return *version = 130000, OK; }

Status cublasGemmStridedBatchedEx(CublasHandle* handle, int opA, int opB, int m, int n, int k, const float* alpha, const void* a, int aType, int lda,
                                  long long strideA, const void* b, int bType, int ldb, long long strideB, const float* beta, void* c, int cType,
                                  int ldc, long long strideC, int count, int computeType, int) {
    if (computeType != COMPUTE_32F) return UNSUPPORTED;
    if (!alpha || !beta || opA < 0 || opA > 1 || opB < 0 || opB > 1) return INVALID;
    const bool ta = opA == 1, tb = opB == 1;
    return run(handle, {ta, tb, m, n, k, *alpha, *beta, {a, aType, lda, ta}, {b, bType, ldb, tb}, c, cType, ldc, strideA, strideB, strideC, count});
}
Status cublasGemmEx(CublasHandle* handle, int opA, int opB, int m, int n, int k, const float* alpha, const void* a, int aType, int lda, const void* b,
                    int bType, int ldb, const float* beta, void* c, int cType, int ldc, int computeType, int algorithm) {
    return cublasGemmStridedBatchedEx(handle, opA, opB, m, n, k, alpha, a, aType, lda, 0, b, bType, ldb, 0, beta, c, cType, ldc, 0, 1, computeType,
                                      algorithm);
}

}  // extern "C"
#pragma GCC visibility pop
