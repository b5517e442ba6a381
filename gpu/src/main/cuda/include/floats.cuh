// Neighbouring fp32 parameters (biases, norms, angles) in registers.
#pragma once

#include "scalar.cuh"

// x <- p[0..N), packs of four where N allows it; p is then aligned to 16 bytes.
template <int N>
__device__ __forceinline__ void load_floats(const float* p, float (&x)[N]) {
    if constexpr (N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            float four[4];
            Pack<float>::load(p + i).to_floats(four);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                x[i + j] = four[j];
            }
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) {
            x[i] = p[i];
        }
    }
}

// The same, where only `there` values are; zeros behind them.
template <int N>
__device__ __forceinline__ void load_floats(const float* p, float (&x)[N], int there) {
    if (there >= N) {
        load_floats(p, x);
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) {
            x[i] = i < there ? p[i] : 0.0f;
        }
    }
}
