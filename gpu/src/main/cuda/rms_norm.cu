// out[r] <- x[r] / sqrt(mean(x[r]^2) + epsilon) * weight; zeros behind `width`. Sums are fp32 in a fixed order.
//   x c[., stride], stride a multiple of 8; rows i[R] picks the rows of x, null = all in order; weight f32[width]; out c[R, stride]
// Grid: blocks take rows in turn, each reading its next while it norms this one, so that weights are read once a block and
// memory is never idle. Rows of up to 16 * THREADS values are read once.

#include "floats.cuh"
#include "warp.cuh"

namespace {

constexpr int THREADS = 256;

// A pack of a row, zeros behind `width`.
template <typename C, int SIZE = Pack<C>::SIZE>
__device__ __forceinline__ void unpack(const Pack<C>& pack, int start, int width, float (&x)[SIZE]) {
    pack.to_floats(x);
    if (start + SIZE > width) {
#pragma unroll
        for (int j = 0; j < SIZE; j++) {
            x[j] = start + j < width ? x[j] : 0.0f;
        }
    }
}

template <typename C, int SIZE = Pack<C>::SIZE>
__device__ __forceinline__ void store(float (&x)[SIZE], float scale, const float (&w)[SIZE], C* to) {
#pragma unroll
    for (int j = 0; j < SIZE; j++) {
        x[j] = x[j] * scale * w[j];
    }
    Pack<C>::from_floats(x).store(to);
}

// A thread's packs of a row that stay in its registers.
template <typename C>
struct Kept {
    static constexpr int SIZE = Pack<C>::SIZE;
    static constexpr int COUNT = 16 / SIZE;
    static constexpr int STEP = THREADS * SIZE;
    Pack<C> packs[COUNT];

    __device__ __forceinline__ void load(const C* row, int stride) {
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            int start = threadIdx.x * SIZE + k * STEP;
            packs[k] = start < stride ? Pack<C>::load(row + start) : Pack<C>::zero();
        }
    }
};

template <typename C>
__device__ void rms_norm(
        const C* x, const int* rows, int count, const float* weight, float epsilon, int width, int stride, C* out) {
    constexpr int SIZE = Pack<C>::SIZE;
    constexpr int KEPT = Kept<C>::COUNT;
    constexpr int STEP = Kept<C>::STEP;
    int first = threadIdx.x * SIZE;
    float w[KEPT][SIZE];
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        load_floats(weight + first + k * STEP, w[k], width - first - k * STEP);
    }
    griddepcontrol_wait();  // a weight is older than the kernels ahead
    auto source = [&](int row) { return x + (rows == nullptr ? row : rows[row]) * (long long)stride; };
    Kept<C> next;
    next.load(source(blockIdx.x), stride);
    for (int row = blockIdx.x; row < count; row += gridDim.x) {
        Kept<C> kept = next;
        if (row + (int)gridDim.x < count) {
            next.load(source(row + gridDim.x), stride);
        }
        float sum = 0.0f;
        float value[SIZE];
#pragma unroll
        for (int k = 0; k < KEPT; k++) {
            unpack(kept.packs[k], first + k * STEP, width, value);
#pragma unroll
            for (int j = 0; j < SIZE; j++) {
                sum = fmaf(value[j], value[j], sum);
            }
        }
        const C* from = source(row);
        for (int start = first + KEPT * STEP; start < stride; start += STEP) {
            unpack(Pack<C>::load(from + start), start, width, value);
            for (int j = 0; j < SIZE; j++) {
                sum = fmaf(value[j], value[j], sum);
            }
        }
        sum = block_sum<THREADS>(sum);
        float scale = 1.0f / sqrtf(sum / (float)width + epsilon);
        C* to = out + row * (long long)stride;
#pragma unroll
        for (int k = 0; k < KEPT; k++) {
            if (first + k * STEP < stride) {
                unpack(kept.packs[k], first + k * STEP, width, value);
                store(value, scale, w[k], to + first + k * STEP);
            }
        }
        for (int start = first + KEPT * STEP; start < stride; start += STEP) {
            float behind[SIZE];
            unpack(Pack<C>::load(from + start), start, width, value);
            load_floats(weight + start, behind, width - start);
            store(value, scale, behind, to + start);
        }
    }
}

}  // namespace

#define RMS_NORM(NAME, C, RESIDENT) \
    extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT) NAME( \
            const C* x, const int* rows, int count, const float* weight, float epsilon, int width, int stride, C* out) { \
        rms_norm<C>(x, rows, count, weight, epsilon, width, stride, out); \
    }

RMS_NORM(rms_norm_bf16, bf16, 4)
RMS_NORM(rms_norm_f32, float, 3)
