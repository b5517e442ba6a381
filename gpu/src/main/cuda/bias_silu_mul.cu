// f[n, F] <- silu(gate + bias) * (up + bias).
//   gateUp c[n, 2F], gates, then ups; bias f32[2F]; F a multiple of 64
// Grid: (tiles of F, blocks of ROWS rows).

#include "floats.cuh"

namespace {

constexpr int THREADS = 128;
constexpr int ROWS = 4;

template <typename C>
__device__ void bias_silu_mul(const C* gateUp, const float* bias, int rows, int width, C* f) {
    constexpr int SIZE = Pack<C>::SIZE;
    const int at = (blockIdx.x * THREADS + threadIdx.x) * SIZE;
    if (at >= width) {
        return;
    }
    float gateBias[SIZE];
    float upBias[SIZE];
    load_floats(bias + at, gateBias);
    load_floats(bias + width + at, upBias);
    const long long first = (long long)blockIdx.y * ROWS;
    const int count = min((long long)ROWS, rows - first);
    for (int r = 0; r < count; r++) {
        const C* from = gateUp + (first + r) * 2 * width + at;
        float gate[SIZE];
        float up[SIZE];
        Pack<C>::load(from).to_floats(gate);
        Pack<C>::load(from + width).to_floats(up);
        for (int i = 0; i < SIZE; i++) {
            const float x = gate[i] + gateBias[i];
            gate[i] = x / (1.0f + expf(-x)) * (up[i] + upBias[i]);
        }
        Pack<C>::from_floats(gate).store(f + (first + r) * width + at);
    }
}

}  // namespace

#define BIAS_SILU_MUL(NAME, C)                                                       \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                      \
            const C* gateUp, const float* bias, int rows, int width, C* f) {         \
        bias_silu_mul<C>(gateUp, bias, rows, width, f);                              \
    }

BIAS_SILU_MUL(bias_silu_mul_bf16, bf16)
BIAS_SILU_MUL(bias_silu_mul_f32, float)
