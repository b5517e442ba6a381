// f[T, F] <- silu(gate) * up, F a multiple of 8.
//   gateUp c[T, 2F]: gates, then ups
// Grid: (blocks that cover a token's F in packs, blocks that share the tokens).

#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void silu_mul(const C* gateUp, int tokens, int width, C* f) {
    constexpr int SIZE = Pack<C>::SIZE;
    griddepcontrol_launch_dependents();
    griddepcontrol_wait();
    int column = (blockIdx.x * THREADS + threadIdx.x) * SIZE;
    if (column >= width) {
        return;
    }
    for (int token = blockIdx.y; token < tokens; token += gridDim.y) {
        const C* from = gateUp + token * (2LL * width) + column;
        float gate[SIZE], up[SIZE];
        Pack<C>::load(from).to_floats(gate);
        Pack<C>::load(from + width).to_floats(up);
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            gate[i] = gate[i] / (1.0f + expf(-gate[i])) * up[i];
        }
        Pack<C>::from_floats(gate).store(f + token * (long long)width + column);
    }
}

}  // namespace

#define SILU_MUL(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(const C* gateUp, int tokens, int width, C* f) { \
        silu_mul<C>(gateUp, tokens, width, f); \
    }

SILU_MUL(silu_mul_bf16, bf16)
SILU_MUL(silu_mul_f32, float)
