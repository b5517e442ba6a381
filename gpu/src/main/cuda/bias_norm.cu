// The residual stream receives the bias of the product that was added to it last, and is normed.
//   v c[P, stride] <- v + bias; out c[P, stride] <- v / sqrt(mean(v^2) + epsilon) * weight, zeros behind `width`
//   bias f32[width], null = none, and v stays as it is; weight f32[width]
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

    // Values from `start` on, the bias added and written back; zeros behind the width.
    __device__ __forceinline__ float receive(C* v, const float* bias, int start, int width) {
        float squares = 0.0f;
#pragma unroll
        for (int j = 0; j < PACKS; j++) {
            const int at = start + (threadIdx.x % 32 + 32 * j) * SIZE;
            if (at < width) {
                Pack<C>::load(v + at).to_floats(value[j]);
                if (bias != nullptr) {
                    float added[SIZE];
                    load_floats(bias + at, added, width - at);
#pragma unroll
                    for (int i = 0; i < SIZE; i++) {
                        value[j][i] = to_float(from_float<C>(value[j][i] + added[i]));
                    }
                    Pack<C>::from_floats(value[j]).store(v + at);
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
__device__ void bias_norm(
        C* v, const float* bias, const float* weight, float epsilon, int rows, int width, int stride, C* out) {
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) {
        return;
    }
    C* from = v + row * stride;
    C* to = out + row * stride;
    Row<C> held;
    float squares = 0.0f;
    for (int start = 0; start < width; start += HELD) {
        squares += held.receive(from, bias, start, width);
    }
    const float scale = 1.0f / sqrtf(warp_sum(squares) / (float)width + epsilon);
    for (int start = 0; start < stride; start += HELD) {
        if (width > HELD) {
            held.receive(from, nullptr, start, width);
        }
        held.norm(to, weight, scale, start, width, stride);
    }
}

}  // namespace

#define BIAS_NORM(NAME, C)                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                                                   \
            C* v, const float* bias, const float* weight, float epsilon, int rows, int width, int stride, C* out) { \
        bias_norm<C>(v, bias, weight, epsilon, rows, width, stride, out);                                         \
    }

BIAS_NORM(bias_norm_bf16, bf16)
BIAS_NORM(bias_norm_f32, float)
