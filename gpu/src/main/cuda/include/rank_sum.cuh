// How the ranks' partial results become one, wherever that is done.
#pragma once

#include "ranks.cuh"
#include "scalar.cuh"

// parts[0] + parts[1] + ... of `count` ranks, and then x, in fp32 and rounded once.
template <typename C, int MOST>
__device__ __forceinline__ Pack<C> rank_sum(const Pack<C> (&parts)[MOST], int count, const Pack<C>& x) {
    constexpr int SIZE = Pack<C>::SIZE;
    float sum[SIZE], next[SIZE];
    parts[0].to_floats(sum);
#pragma unroll
    for (int r = 1; r <= MOST; r++) {
        if (r < count || r == MOST) {
            (r == MOST ? x : parts[r % MOST]).to_floats(next);
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                sum[i] += next[i];
            }
        }
    }
    return Pack<C>::from_floats(sum);
}
