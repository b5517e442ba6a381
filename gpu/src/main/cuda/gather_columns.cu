// y[rows, width] <- its columns, of which each rank computed some: rank r those from width*r/count on. y lies at the same offset of the
// ranks' shared memory. When a rank goes on, nobody reads its y any more.
// Grid: the same on all ranks, at most MOST_MEETING blocks, which share the rows' pieces.

#include "ranks.cuh"

namespace {

constexpr int THREADS = 512;
constexpr int AT_ONCE = 4;  // values of a thread on their way

__device__ int first_column(int width, int rank, int count) { return static_cast<int>(static_cast<long long>(width) * rank / count); }

__device__ void copy(const float* from, float* to, int first, int end) {
    float values[AT_ONCE];
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
        const int column = first + i * THREADS + threadIdx.x;
        if (column < end) {
            values[i] = ld_relaxed_sys(from + column);
        }
    }
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
        const int column = first + i * THREADS + threadIdx.x;
        if (column < end) {
            to[column] = values[i];
        }
    }
}

__device__ void gather_columns(const Ranks& ranks, long long offset, int rows, int width, float* y) {
    constexpr int PIECE = AT_ONCE * THREADS;
    griddepcontrol_wait();
    ranks.meet();
    for (int r = 0; r < ranks.count; r++) {
        if (r == ranks.rank) {
            continue;
        }
        const int begin = first_column(width, r, ranks.count), end = first_column(width, r + 1, ranks.count);
        const int pieces = (end - begin + PIECE - 1) / PIECE;
        for (long long i = blockIdx.x; i < static_cast<long long>(rows) * pieces; i += gridDim.x) {
            const long long row = i / pieces * width;
            copy(ranks.at<float>(r, offset) + row, y + row, begin + static_cast<int>(i % pieces) * PIECE, end);
        }
    }
    ranks.meet();
}

}  // namespace

extern "C" __global__ void __launch_bounds__(THREADS) gather_columns_f32(
        Shared* own, int rank, int count, long long patience, unsigned* stop, long long offset, int rows, int width, float* y) {
    gather_columns(Ranks{own, rank, count, patience, stop}, offset, rows, width, y);
}
