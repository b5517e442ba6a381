// x[T, stride] <- rows of the embedding table, or media rows where the token is a placeholder; zeros behind `width`.
//   tokenIds i[T]; mediaRow i[T], -1 = none; table c[V, stride]; media c[M, width]
// Grid: a block a token.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 128;

template <typename C>
__device__ void embed(
        const int* tokenIds, const int* mediaRow, const C* table, const C* media, int width, int stride, C* x) {
    long long token = blockIdx.x;
    const C* source = mediaRow[token] >= 0 ? media + (long long)mediaRow[token] * width
                                           : table + (long long)tokenIds[token] * stride;
    C* to = x + token * stride;
    for (int i = threadIdx.x; i < stride; i += THREADS) {
        to[i] = i < width ? source[i] : from_float<C>(0.0f);
    }
}

}  // namespace

#define EMBED(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const int* tokenIds, const int* mediaRow, const C* table, const C* media, int width, int stride, C* x) { \
        embed<C>(tokenIds, mediaRow, table, media, width, stride, x); \
    }

EMBED(embed_bf16, bf16)
EMBED(embed_f32, float)
