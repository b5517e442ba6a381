// x[count] <- x + the sum of all ranks' partial results, in the order of ranks and in fp32, rounded once: the same bits on every rank,
// in every run and in every form, all_reduce_norm's too. The partial results lie at the same offset of the ranks' shared memory; x is
// each rank's own copy.
// all_reduce: each rank reads everything. all_reduce_scattered: each rank adds its pieces and leaves the result where its partial
// result was, then all read each other's pieces; a block needs only the blocks of its number.
// A rank may write at the same offset again two of these launches later: what it met in the one between had finished reading.
// Grid: the same on all ranks, at most MOST_MEETING blocks.

#include "rank_sum.cuh"

namespace {

constexpr int THREADS = 512;
// The sums of packs first, first + step, ... below `end`, AT_ONCE of them on their way from every rank.
template <typename C, int MOST, int AT_ONCE, typename Store>
__device__ __forceinline__ void reduce(const Ranks& ranks, long long offset, long long first, long long step, long long end, const C* x, Store store) {
    const uint4* from[MOST];
#pragma unroll
    for (int r = 0; r < MOST; r++) {
        from[r] = ranks.at<uint4>(r < ranks.count ? r : 0, offset);
    }
    for (long long i = first; i < end; i += AT_ONCE * step) {
        Pack<C> parts[AT_ONCE][MOST], before[AT_ONCE];
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
#pragma unroll
            for (int r = 0; r < MOST; r++) {
                if (i + k * step < end && r < ranks.count) {
                    parts[k][r].words = ld_relaxed_sys(from[r] + i + k * step);
                }
            }
            if (i + k * step < end) {
                before[k] = Pack<C>::load(x + (i + k * step) * Pack<C>::SIZE);
            }
        }
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            if (i + k * step < end) {
                store(i + k * step, rank_sum(parts[k], ranks.count, before[k]));
            }
        }
    }
}

template <typename C>
__device__ void all_reduce(const Ranks& ranks, long long offset, long long packs, C* x) {
    griddepcontrol_wait();
    ranks.meet();
    const long long first = blockIdx.x * THREADS + threadIdx.x, step = gridDim.x * THREADS;
    const auto store = [x](long long i, const Pack<C>& sum) { sum.store(x + i * Pack<C>::SIZE); };
    if (ranks.count == 2) {
        reduce<C, 2, 4>(ranks, offset, first, step, packs, x, store);
    } else {
        reduce<C, MOST_RANKS, 1>(ranks, offset, first, step, packs, x, store);
    }
}

template <typename C>
__device__ void all_reduce_scattered(const Ranks& ranks, long long offset, long long packs, C* x) {
    griddepcontrol_wait();
    ranks.meet();
    const int round = ranks.count * THREADS;  // packs that a block takes at once, a piece of THREADS for each rank
    const long long begin = static_cast<long long>(blockIdx.x) * round, step = static_cast<long long>(gridDim.x) * round;
    uint4* mine = reinterpret_cast<uint4*>(reinterpret_cast<unsigned char*>(ranks.own) + offset);
    reduce<C, MOST_RANKS, 1>(ranks, offset, begin + ranks.rank * THREADS + threadIdx.x, step, packs, x, [=](long long i, const Pack<C>& sum) {
        sum.store(x + i * Pack<C>::SIZE);
        mine[i] = sum.words;
    });
    ranks.meet();
    for (long long first = begin; first < packs; first += step) {
        for (int r = 0; r < ranks.count; r++) {
            const long long i = first + r * THREADS + threadIdx.x;
            if (i < packs && r != ranks.rank) {
                Pack<C>{ld_relaxed_sys(ranks.at<uint4>(r, offset) + i)}.store(x + i * Pack<C>::SIZE);
            }
        }
    }
}

}  // namespace

#define ALL_REDUCE(FORM, TYPE, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) FORM##_##TYPE( \
            Shared* own, int rank, int count, long long patience, unsigned* stop, long long offset, long long packs, C* x) { \
        FORM<C>(Ranks{own, rank, count, patience, stop}, offset, packs, x); \
    }

ALL_REDUCE(all_reduce, bf16, bf16)
ALL_REDUCE(all_reduce, f32, float)
ALL_REDUCE(all_reduce_scattered, bf16, bf16)
ALL_REDUCE(all_reduce_scattered, f32, float)
