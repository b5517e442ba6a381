// The residual stream receives a product and its bias, and is normed. Both sums are fp32 and the norm is that of the sum as it
// was before it is rounded to be stored.
//   v c[P, stride] <- v + (product + bias); out c[P, stride] <- v / sqrt(mean(v^2) + epsilon) * weight, zeros behind `width`
//   product c[P, stride] and bias f32[width], null = none, and v stays as it is; weight f32[width]; out may be product
// Grid: blocks of WARPS rows, a warp each.

#include "floats.cuh"
#include "warp.cuh"

namespace {

constexpr int THREADS = 128;
constexpr int WARPS = THREADS / 32;
constexpr int HELD = 1280;  // values of a row that stay in registers, as many as the released towers have

template <typename C>
struct Row {
    static constexpr int SIZE = Pack<C>::SIZE;
    static constexpr int PACKS = HELD / 32 / SIZE;
    float value[PACKS][SIZE];

    // Sums from `start` on, zeros behind the width; gives their squares.
    __device__ __forceinline__ float sum(const C* v, const C* product, const float* bias, int start, int width) {
        float squares = 0.0f;
#pragma unroll
        for (int j = 0; j < PACKS; j++) {
            const int at = start + (threadIdx.x % 32 + 32 * j) * SIZE;
            if (at < width) {
                Pack<C>::load(v + at).to_floats(value[j]);
                if (product != nullptr) {
                    float added[SIZE];
                    float multiplied[SIZE];
                    load_floats(bias + at, added, width - at);
                    Pack<C>::load(product + at).to_floats(multiplied);
#pragma unroll
                    for (int i = 0; i < SIZE; i++) {
                        value[j][i] += multiplied[i] + added[i];
                    }
                }
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    value[j][i] = at + i < width ? value[j][i] : 0.0f;
                    squares = fmaf(value[j][i], value[j][i], squares);
                }
            }
        }
        return squares;
    }

    __device__ __forceinline__ void store(C* v, int start, int width) const {
#pragma unroll
        for (int j = 0; j < PACKS; j++) {
            const int at = start + (threadIdx.x % 32 + 32 * j) * SIZE;
            if (at < width) {
                Pack<C>::from_floats(value[j]).store(v + at);
            }
        }
    }

    __device__ __forceinline__ void norm(C* out, const float* weight, float scale, int start, int width, int stride) {
#pragma unroll
        for (int j = 0; j < PACKS; j++) {
            const int at = start + (threadIdx.x % 32 + 32 * j) * SIZE;
            if (at < stride) {
                float factor[SIZE];
                load_floats(weight + at, factor, width - at);
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    value[j][i] = at + i < width ? value[j][i] * scale * factor[i] : 0.0f;
                }
                Pack<C>::from_floats(value[j]).store(out + at);
            }
        }
    }
};

template <typename C>
__device__ void add_norm(
        C* v, const C* product, const float* bias, const float* weight, float epsilon, int rows, int width, int stride, C* out) {
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) {
        return;
    }
    C* stream = v + row * stride;
    const C* from = product == nullptr ? nullptr : product + row * stride;
    Row<C> held;
    float squares = 0.0f;
    for (int start = 0; start < width; start += HELD) {
        squares += held.sum(stream, from, bias, start, width);
    }
    const float scale = 1.0f / sqrtf(warp_sum(squares) / (float)width + epsilon);
    for (int start = 0; start < stride; start += HELD) {
        if (width > HELD) {
            held.sum(stream, from, bias, start, width);
        }
        if (product != nullptr) {
            held.store(stream, start, width);
        }
        held.norm(out + row * stride, weight, scale, start, width, stride);
    }
}

}  // namespace

#define ADD_NORM(NAME, C)                                                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                                                       \
            C* v, const C* product, const float* bias, const float* weight, float epsilon, int rows, int width, int stride, \
            C* out) {                                                                                                 \
        add_norm<C>(v, product, bias, weight, epsilon, rows, width, stride, out);                                     \
    }

ADD_NORM(add_norm_bf16, bf16)
ADD_NORM(add_norm_f32, float)
