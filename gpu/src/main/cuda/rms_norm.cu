// out[r] <- x[r] / sqrt(mean(x[r]^2) + epsilon) * weight; zeros behind `width`. Sums are fp32 in a fixed order.
//   x c[., stride]; rows i[R] picks the rows of x, null = all in order; weight f32[width]; out c[R, stride]
// Grid: a block a row of out.

#include "scalar.cuh"
#include "warp.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void rms_norm(
        const C* x, const int* rows, const float* weight, float epsilon, int width, int stride, C* out) {
    long long row = blockIdx.x;
    const C* from = x + (rows == nullptr ? row : rows[row]) * (long long)stride;
    C* to = out + row * stride;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < width; i += THREADS) {
        float value = to_float(from[i]);
        sum = fmaf(value, value, sum);
    }
    sum = block_sum<THREADS>(sum);
    float scale = 1.0f / sqrtf(sum / (float)width + epsilon);
    for (int i = threadIdx.x; i < stride; i += THREADS) {
        to[i] = from_float<C>(i < width ? to_float(from[i]) * scale * weight[i] : 0.0f);
    }
}

}  // namespace

#define RMS_NORM(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const C* x, const int* rows, const float* weight, float epsilon, int width, int stride, C* out) { \
        rms_norm<C>(x, rows, weight, epsilon, width, stride, out); \
    }

RMS_NORM(rms_norm_bf16, bf16)
RMS_NORM(rms_norm_f32, float)
