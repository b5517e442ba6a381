// f[T, F] <- silu(gate + bias) * (up + bias), F a multiple of 8.
//   gateUp c[T, 2F]: gates, then ups; bias f32[2F], null = none
// Grid: (blocks that cover a token's F in packs, blocks that share the tokens).

#include "floats.cuh"

namespace {

constexpr int THREADS = 256;
constexpr int TOKENS = 4;  // that a thread reads before it writes any: what it takes to keep the memory busy

// x / (1 + e^-x); for bf16 within some 2^-21 of it, where the exact functions would take longer than the memory.
template <typename C>
__device__ __forceinline__ float silu(float x) {
    if constexpr (sizeof(C) == sizeof(bf16)) {
        return x * rcp_approx(1.0f + ex2_approx(x * -1.4426950408889634f));
    } else {
        return x / (1.0f + expf(-x));
    }
}

template <typename C>
__device__ __forceinline__ void silu_mul(const C* gateUp, const float* bias, int tokens, int width, C* f) {
    constexpr int SIZE = Pack<C>::SIZE;
    const int column = (blockIdx.x * THREADS + threadIdx.x) * SIZE;
    if (column >= width) {
        return;
    }
    float gateBias[SIZE] = {}, upBias[SIZE] = {};
    if (bias != nullptr) {
        load_floats(bias + column, gateBias);
        load_floats(bias + width + column, upBias);
    }
    griddepcontrol_wait();  // a bias is older than the kernels ahead
    for (int first = blockIdx.y; first < tokens; first += TOKENS * gridDim.y) {
        Pack<C> gates[TOKENS], ups[TOKENS];
#pragma unroll
        for (int i = 0; i < TOKENS; i++) {
            const int token = first + i * gridDim.y;
            if (token < tokens) {
                const C* from = gateUp + token * (2LL * width) + column;
                gates[i] = Pack<C>::load(from);
                ups[i] = Pack<C>::load(from + width);
            }
        }
#pragma unroll
        for (int i = 0; i < TOKENS; i++) {
            const int token = first + i * gridDim.y;
            if (token < tokens) {
                float gate[SIZE], up[SIZE];
                gates[i].to_floats(gate);
                ups[i].to_floats(up);
#pragma unroll
                for (int j = 0; j < SIZE; j++) {
                    gate[j] = silu<C>(gate[j] + gateBias[j]) * (up[j] + upBias[j]);
                }
                Pack<C>::from_floats(gate).store(f + token * (long long)width + column);
            }
        }
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
