// Values as a checkpoint stores them, to values as they are kept.
//   from s[rows, columns] -> to c[rows, stride]; s = bf16, IEEE binary16 or fp32; c = bf16 or fp32
// Grid: (tiles of columns, rows up to 65535 at a time).

#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;

struct half16 {
    unsigned short bits;
};

__device__ float value_of(bf16 value) {
    return to_float(value);
}

__device__ float value_of(float value) {
    return value;
}

__device__ float value_of(half16 value) {
    unsigned int sign = (value.bits & 0x8000u) << 16;
    unsigned int exponent = value.bits >> 10 & 0x1fu;
    unsigned int fraction = value.bits & 0x3ffu;
    if (exponent == 0) {
        float magnitude = (float)fraction * 5.9604644775390625e-8f;  // 2^-24
        return sign ? -magnitude : magnitude;
    }
    unsigned int biased = exponent == 0x1fu ? 0xffu : exponent + 112;
    return __uint_as_float(sign | biased << 23 | fraction << 13);
}

template <typename S, typename C>
__device__ void convert(const S* from, long long rows, long long columns, long long stride, C* to) {
    for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
        for (long long i = blockIdx.x * (long long)THREADS + threadIdx.x; i < columns; i += gridDim.x * (long long)THREADS) {
            to[row * stride + i] = from_float<C>(value_of(from[row * columns + i]));
        }
    }
}

}  // namespace

#define CONVERT(NAME, S, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const S* from, long long rows, long long columns, long long stride, C* to) { \
        convert<S, C>(from, rows, columns, stride, to); \
    }

CONVERT(convert_bf16_bf16, bf16, bf16)
CONVERT(convert_f16_bf16, half16, bf16)
CONVERT(convert_f32_bf16, float, bf16)
CONVERT(convert_bf16_f32, bf16, float)
CONVERT(convert_f16_f32, half16, float)
CONVERT(convert_f32_f32, float, float)
