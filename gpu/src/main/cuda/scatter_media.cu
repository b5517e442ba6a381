// Puts embeddings, their bias added, into their rows of the media buffer.
//   from c[n, width]; bias f32[width]; rows i[n] -> media c[M, width]
// Grid: a block an embedding.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void scatter_media(const C* from, const float* bias, const int* rows, int width, C* media) {
    const C* row = from + (long long)blockIdx.x * width;
    C* to = media + (long long)rows[blockIdx.x] * width;
    for (int i = threadIdx.x; i < width; i += THREADS) {
        to[i] = from_float<C>(to_float(row[i]) + bias[i]);
    }
}

}  // namespace

#define SCATTER_MEDIA(NAME, C)                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                                 \
            const C* from, const float* bias, const int* rows, int width, C* media) {           \
        scatter_media<C>(from, bias, rows, width, media);                                       \
    }

SCATTER_MEDIA(scatter_media_bf16, bf16)
SCATTER_MEDIA(scatter_media_f32, float)
