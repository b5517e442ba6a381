// The largest of value + noise over a block's values. Noise is computed in double only where, by bounds that cost a few integer
// instructions, the value may win.
#pragma once

#include "random.cuh"
#include "select.cuh"

constexpr int NOBODY = 0x7fffffff;

struct Best {
    double score;  // of equal scores the lower id is better
    int id;        // NOBODY: none

    __device__ static Best none() { return Best{MINUS_INFINITY, NOBODY}; }
    __device__ void offer(double otherScore, int otherId) {
        if (otherScore > score || (otherScore == score && otherId < id)) {
            score = otherScore;
            id = otherId;
        }
    }
};

// The best of the threads' bests, for all of them. Few threads should have one: they take turns.
template <int THREADS>
__device__ inline Best block_best(Best mine) {
    __shared__ u64 top;
    __shared__ int lowest;
    __syncthreads();  // the result of an earlier call has been read
    if (threadIdx.x == 0) {
        top = 0;
        lowest = NOBODY;
    }
    __syncthreads();
    if (mine.id != NOBODY) {
        atomicMax(&top, sortable(mine.score));
    }
    __syncthreads();
    if (mine.id != NOBODY && sortable(mine.score) == top) {
        atomicMin(&lowest, mine.id);
    }
    __syncthreads();
    return lowest == NOBODY ? Best::none() : Best{from_sortable(top), lowest};
}

// Out of line, because few values come this far.
__device__ __noinline__ double score_of(const Noise& noise, float value, int id) {
    return static_cast<double>(value) + Noise::of(noise.word(id));
}

// N values of this thread on their way through a draw; NONE where there is none.
template <int THREADS, int N>
struct Contest {
    float value[N];
    float above[N];  // no score exceeds it
    float below = MINUS_INFINITY;  // some score of this thread reaches it

    __device__ __forceinline__ void enter(int i, float x, unsigned word) {
        value[i] = x;
        float slack = 1e-5f + 1e-6f * fminf(fabsf(x), 1e30f);  // for the rounding of these sums
        above[i] = x + Noise::above(word) + slack;
        below = fmaxf(below, x + Noise::below(word) - slack);
    }

    // Offers all that may win against the block's values; id(i) is value i's. Called by all threads.
    template <typename Id>
    __device__ __forceinline__ void hold(const Noise& noise, Id id, Best& best) {
        float floor = block_max<THREADS>(below);
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (above[i] >= floor) {
                best.offer(score_of(noise, value[i], id(i)), id(i));
            }
        }
    }
};
