// to[rows, stride] <- a window of a matrix of uniform values of mean 0 within (-bound, bound), the same for a seed in every run:
// Philox4x32-10 (Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), one counter for every four values.
// fill: to[rows, stride] <- value.
// Grid: blocks that share the values.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;
constexpr int ROUNDS = 10;

__device__ void philox(unsigned int counter[4], unsigned int key0, unsigned int key1) {
    for (int round = 0; round < ROUNDS; round++) {
        unsigned long long a = 0xD2511F53ull * counter[0];
        unsigned long long b = 0xCD9E8D57ull * counter[2];
        unsigned int next0 = (unsigned int)(b >> 32) ^ counter[1] ^ key0;
        unsigned int next2 = (unsigned int)(a >> 32) ^ counter[3] ^ key1;
        counter[1] = (unsigned int)b;
        counter[3] = (unsigned int)a;
        counter[0] = next0;
        counter[2] = next2;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

template <typename C>
__device__ void random_fill(long long firstRow, long long rows, long long firstColumn, long long columns, long long allColumns,
                            long long stride, long long seed, float bound, C* to) {
    const long long begin = firstRow * allColumns, end = begin + rows * allColumns;
    for (long long i = begin / 4 + blockIdx.x * (long long)THREADS + threadIdx.x; 4 * i < end; i += gridDim.x * (long long)THREADS) {
        unsigned int words[4] = {(unsigned int)i, (unsigned int)(i >> 32), 0, 0};
        philox(words, (unsigned int)seed, (unsigned int)(seed >> 32));
        for (int j = 0; j < 4; j++) {
            const long long at = i * 4 + j;
            const long long column = at % allColumns - firstColumn;
            if (at >= begin && at < end && column >= 0 && column < columns) {
                // 24 bits, centred: never 0, never beyond the bound
                float unit = ((float)(words[j] >> 8) + 0.5f) * 1.1920928955078125e-7f - 1.0f;
                to[(at / allColumns - firstRow) * stride + column] = from_float<C>(unit * bound);
            }
        }
    }
}

template <typename C>
__device__ void fill(long long count, float value, C* to) {
    for (long long i = blockIdx.x * (long long)THREADS + threadIdx.x; i < count; i += gridDim.x * (long long)THREADS) {
        to[i] = from_float<C>(value);
    }
}

}  // namespace

#define RANDOM_FILL(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            long long firstRow, long long rows, long long firstColumn, long long columns, long long allColumns, long long stride, \
            long long seed, float bound, C* to) { \
        random_fill<C>(firstRow, rows, firstColumn, columns, allColumns, stride, seed, bound, to); \
    }
#define FILL(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(long long count, float value, C* to) { \
        fill<C>(count, value, to); \
    }

RANDOM_FILL(random_fill_bf16, bf16)
RANDOM_FILL(random_fill_f32, float)
FILL(fill_bf16, bf16)
FILL(fill_f32, float)
