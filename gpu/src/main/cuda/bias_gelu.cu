// x <- gelu(x + bias), the exact one: x/2 * (1 + erf(x / sqrt(2))), in place.
//   x c[n, width]; bias f32[width]; width a multiple of 64
// Grid: (tiles of the width, n up to 65535 at a time).

#include "floats.cuh"

namespace {

constexpr int THREADS = 128;

template <typename C>
__device__ void bias_gelu(C* x, const float* bias, int rows, int width) {
    constexpr int SIZE = Pack<C>::SIZE;
    const int at = (blockIdx.x * THREADS + threadIdx.x) * SIZE;
    if (at >= width) {
        return;
    }
    float added[SIZE];
    load_floats(bias + at, added);
    for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
        C* p = x + row * width + at;
        float v[SIZE];
        Pack<C>::load(p).to_floats(v);
        for (int i = 0; i < SIZE; i++) {
            const float u = v[i] + added[i];
            v[i] = 0.5f * u * (1.0f + erff(u * 0.70710678118654752f));
        }
        Pack<C>::from_floats(v).store(p);
    }
}

}  // namespace

#define BIAS_GELU(NAME, C)                                                                                 \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(C* x, const float* bias, int rows, int width) { \
        bias_gelu<C>(x, bias, rows, width);                                                                \
    }

BIAS_GELU(bias_gelu_bf16, bf16)
BIAS_GELU(bias_gelu_f32, float)
