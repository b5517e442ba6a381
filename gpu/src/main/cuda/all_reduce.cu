// x[count] <- x + the sum of all ranks' partial results, in the order of ranks and in fp32, rounded once: the same bits on every rank
// and in every run. The partial results lie at the same offset of the ranks' shared memory; x is each rank's own copy.
// all_reduce: each rank reads everything. all_reduce_scattered: each rank adds its pieces and leaves the result where its partial
// result was, then all read each other's pieces; a block needs only the blocks of its number.
// A rank may write at the same offset again two of these launches later: what it met in the one between had finished reading.
// Grid: the same on all ranks, at most MOST_MEETING blocks.

#include "ranks.cuh"
#include "scalar.cuh"

namespace {

constexpr int THREADS = 512;

template <typename C>
__device__ Pack<C> reduce(const Ranks& ranks, long long offset, long long pack, const C* x) {
    constexpr int SIZE = Pack<C>::SIZE;
    Pack<C> parts[MOST_RANKS];
#pragma unroll
    for (int r = 0; r < MOST_RANKS; r++) {
        if (r < ranks.count) {
            parts[r].words = ld_relaxed_sys(ranks.at<uint4>(r, offset) + pack);
        }
    }
    float sum[SIZE], next[SIZE];
    parts[0].to_floats(sum);
#pragma unroll
    for (int r = 1; r < MOST_RANKS; r++) {
        if (r < ranks.count) {
            parts[r].to_floats(next);
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                sum[i] += next[i];
            }
        }
    }
    Pack<C>::load(x + pack * SIZE).to_floats(next);
#pragma unroll
    for (int i = 0; i < SIZE; i++) {
        sum[i] += next[i];
    }
    return Pack<C>::from_floats(sum);
}

template <typename C>
__device__ void all_reduce(const Ranks& ranks, long long offset, long long packs, C* x) {
    griddepcontrol_wait();
    ranks.meet();
    for (long long i = blockIdx.x * THREADS + threadIdx.x; i < packs; i += gridDim.x * THREADS) {
        reduce<C>(ranks, offset, i, x).store(x + i * Pack<C>::SIZE);
    }
}

template <typename C>
__device__ void all_reduce_scattered(const Ranks& ranks, long long offset, long long packs, C* x) {
    griddepcontrol_wait();
    ranks.meet();
    const int round = ranks.count * THREADS;  // packs that a block takes at once, a piece of THREADS for each rank
    uint4* mine = reinterpret_cast<uint4*>(reinterpret_cast<unsigned char*>(ranks.own) + offset);
    for (long long first = static_cast<long long>(blockIdx.x) * round; first < packs; first += static_cast<long long>(gridDim.x) * round) {
        const long long i = first + ranks.rank * THREADS + threadIdx.x;
        if (i < packs) {
            const Pack<C> sum = reduce<C>(ranks, offset, i, x);
            sum.store(x + i * Pack<C>::SIZE);
            mine[i] = sum.words;
        }
    }
    ranks.meet();
    for (long long first = static_cast<long long>(blockIdx.x) * round; first < packs; first += static_cast<long long>(gridDim.x) * round) {
        for (int r = 0; r < ranks.count; r++) {
            const long long i = first + r * THREADS + threadIdx.x;
            if (i < packs && r != ranks.rank) {
                Pack<C>{ld_relaxed_sys(ranks.at<uint4>(r, offset) + i)}.store(x + i * Pack<C>::SIZE);
            }
        }
    }
}

}  // namespace

#define ALL_REDUCE(NAME, FORM, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            Shared* own, int rank, int count, long long patience, unsigned* stop, long long offset, long long packs, C* x) { \
        FORM<C>(Ranks{own, rank, count, patience, stop}, offset, packs, x); \
    }

ALL_REDUCE(all_reduce_bf16, all_reduce, bf16)
ALL_REDUCE(all_reduce_f32, all_reduce, float)
ALL_REDUCE(all_reduce_scattered_bf16, all_reduce_scattered, bf16)
ALL_REDUCE(all_reduce_scattered_f32, all_reduce_scattered, float)
