// out[r] <- x[r] / sqrt(mean(x[r]^2) + epsilon) * weight; zeros behind `width`. Sums are fp32 in a fixed order.
//   x c[., stride], stride a multiple of 8; rows i[R] picks the rows of x, null = all in order; weight f32[width]; out c[R, stride]
// Grid: a block a row of out. Rows of up to KEPT * THREADS packs are read once.

#include "scalar.cuh"
#include "warp.cuh"

namespace {

constexpr int THREADS = 256;
constexpr int KEPT = 4;

// A pack of a row, zeros behind `width`.
template <typename C, int SIZE = Pack<C>::SIZE>
__device__ __forceinline__ void load(const C* row, int start, int width, float (&x)[SIZE]) {
    Pack<C>::load(row + start).to_floats(x);
#pragma unroll
    for (int j = 0; j < SIZE; j++) {
        x[j] = start + j < width ? x[j] : 0.0f;
    }
}

// The weights of a pack, zeros behind `width`.
template <int SIZE>
__device__ __forceinline__ void load_weight(const float* weight, int start, int width, float (&w)[SIZE]) {
#pragma unroll
    for (int j = 0; j < SIZE; j += 4) {
        float quad[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        if (start + j + 4 <= width) {
            Pack<float>::load(weight + start + j).to_floats(quad);
        } else {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                quad[i] = start + j + i < width ? weight[start + j + i] : 0.0f;
            }
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            w[j + i] = quad[i];
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

template <typename C>
__device__ void rms_norm(
        const C* x, const int* rows, const float* weight, float epsilon, int width, int stride, C* out) {
    constexpr int SIZE = Pack<C>::SIZE;
    constexpr int STEP = THREADS * SIZE;
    int first = threadIdx.x * SIZE;
    float w[KEPT][SIZE];
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        load_weight(weight, first + k * STEP, width, w[k]);
    }
    griddepcontrol_wait();  // a weight is older than the kernels ahead
    long long row = blockIdx.x;
    const C* from = x + (rows == nullptr ? row : rows[row]) * (long long)stride;
    C* to = out + row * stride;
    float kept[KEPT][SIZE];
    float sum = 0.0f;
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (first + k * STEP < stride) {
            load(from, first + k * STEP, width, kept[k]);
        }
    }
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        for (int j = 0; j < SIZE && first + k * STEP < stride; j++) {
            sum = fmaf(kept[k][j], kept[k][j], sum);
        }
    }
    for (int start = first + KEPT * STEP; start < stride; start += STEP) {
        float value[SIZE];
        load(from, start, width, value);
        for (int j = 0; j < SIZE; j++) {
            sum = fmaf(value[j], value[j], sum);
        }
    }
    sum = block_sum<THREADS>(sum);
    float scale = 1.0f / sqrtf(sum / (float)width + epsilon);
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (first + k * STEP < stride) {
            store(kept[k], scale, w[k], to + first + k * STEP);
        }
    }
    for (int start = first + KEPT * STEP; start < stride; start += STEP) {
        float value[SIZE];
        load(from, start, width, value);
        load_weight(weight, start, width, w[0]);
        store(value, scale, w[0], to + start);
    }
}

}  // namespace

#define RMS_NORM(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const C* x, const int* rows, const float* weight, float epsilon, int width, int stride, C* out) { \
        rms_norm<C>(x, rows, weight, epsilon, width, stride, out); \
    }

RMS_NORM(rms_norm_bf16, bf16)
RMS_NORM(rms_norm_f32, float)
