// to[rows, stride] <- a window of a matrix of uniform values of mean 0 within (-bound, bound), the same for a seed in every run:
// Philox with one counter for every four values.
// fill: to[rows, stride] <- value.
// Grid: blocks that share the values.

#include "random.cuh"
#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void random_fill(long long firstRow, long long rows, long long firstColumn, long long columns, long long allColumns,
                            long long stride, long long seed, float bound, C* to) {
    const long long begin = firstRow * allColumns, end = begin + rows * allColumns;
    for (long long i = begin / 4 + blockIdx.x * (long long)THREADS + threadIdx.x; 4 * i < end; i += gridDim.x * (long long)THREADS) {
        const uint4 drawn = philox((unsigned int)seed, (unsigned int)(seed >> 32), (unsigned int)i, (unsigned int)(i >> 32), 0, 0);
        const unsigned int words[4] = {drawn.x, drawn.y, drawn.z, drawn.w};
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
