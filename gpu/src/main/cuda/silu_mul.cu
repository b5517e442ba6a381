// f[T, F] <- silu(gate) * up.
//   gateUp c[T, 2F]: gates, then ups
// Grid: blocks that cover f.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void silu_mul(const C* gateUp, int tokens, int width, C* f) {
    long long i = blockIdx.x * (long long)THREADS + threadIdx.x;
    if (i < (long long)tokens * width) {
        const C* from = gateUp + i + i / width * width;
        float gate = to_float(from[0]);
        f[i] = from_float<C>(gate / (1.0f + expf(-gate)) * to_float(from[width]));
    }
}

}  // namespace

#define SILU_MUL(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(const C* gateUp, int tokens, int width, C* f) { \
        silu_mul<C>(gateUp, tokens, width, f); \
    }

SILU_MUL(silu_mul_bf16, bf16)
SILU_MUL(silu_mul_f32, float)
