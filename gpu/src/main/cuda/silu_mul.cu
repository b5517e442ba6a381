// f[T, F] <- silu(gate + bias) * (up + bias), F a multiple of 8.
//   gateUp c[T, 2F]: gates, then ups; bias f32[2F], null = none
// Grid: (blocks that cover a token's F in packs, blocks that share the tokens).

#include "floats.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void silu_mul(const C* gateUp, const float* bias, int tokens, int width, C* f) {
    constexpr int SIZE = Pack<C>::SIZE;
    int column = (blockIdx.x * THREADS + threadIdx.x) * SIZE;
    if (column >= width) {
        return;
    }
    float gateBias[SIZE] = {}, upBias[SIZE] = {};
    if (bias != nullptr) {
        load_floats(bias + column, gateBias);
        load_floats(bias + width + column, upBias);
    }
    griddepcontrol_wait();  // a bias is older than the kernels ahead
    for (int token = blockIdx.y; token < tokens; token += gridDim.y) {
        const C* from = gateUp + token * (2LL * width) + column;
        float gate[SIZE], up[SIZE];
        Pack<C>::load(from).to_floats(gate);
        Pack<C>::load(from + width).to_floats(up);
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            const float x = gate[i] + gateBias[i];
            gate[i] = x / (1.0f + expf(-x)) * (up[i] + upBias[i]);
        }
        Pack<C>::from_floats(gate).store(f + token * (long long)width + column);
    }
}

}  // namespace

#define SILU_MUL(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const C* gateUp, const float* bias, int tokens, int width, C* f) { \
        silu_mul<C>(gateUp, bias, tokens, width, f); \
    }

SILU_MUL(silu_mul_bf16, bf16)
SILU_MUL(silu_mul_f32, float)
