// Reductions over a warp and over a block, in an order that depends on nothing but the block's size: the same values give the same
// bits in every run and every batch. All threads must call them, and all get the result.
#pragma once

constexpr unsigned ALL_LANES = 0xffffffffu;

struct Sum {
    __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
};
struct Max {
    __device__ __forceinline__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// Over each aligned group of WIDTH lanes (a power of two).
template <int WIDTH = 32, typename Combine>
__device__ __forceinline__ float warp_reduce(float x, Combine combine) {
#pragma unroll
    for (int distance = WIDTH / 2; distance > 0; distance /= 2) {
        x = combine(x, __shfl_xor_sync(ALL_LANES, x, distance));
    }
    return x;
}
template <int WIDTH = 32>
__device__ __forceinline__ float warp_sum(float x) {
    return warp_reduce<WIDTH>(x, Sum{});
}
template <int WIDTH = 32>
__device__ __forceinline__ float warp_max(float x) {
    return warp_reduce<WIDTH>(x, Max{});
}

// Over a one-dimensional block of THREADS threads (a multiple of 32); each warp's result first, then those in the order of the warps.
template <int THREADS, typename Combine>
__device__ __forceinline__ float block_reduce(float x, Combine combine) {
    static_assert(THREADS % 32 == 0 && THREADS <= 1024, "whole warps");
    constexpr int WARPS = THREADS / 32;
    x = warp_reduce(x, combine);
    if constexpr (WARPS > 1) {
        __shared__ float partial[WARPS];
        __syncthreads();  // the partial results of an earlier call have been read
        if (threadIdx.x % 32 == 0) {
            partial[threadIdx.x / 32] = x;
        }
        __syncthreads();
        x = partial[0];
#pragma unroll
        for (int i = 1; i < WARPS; i++) {
            x = combine(x, partial[i]);
        }
    }
    return x;
}
template <int THREADS>
__device__ __forceinline__ float block_sum(float x) {
    return block_reduce<THREADS>(x, Sum{});
}
template <int THREADS>
__device__ __forceinline__ float block_max(float x) {
    return block_reduce<THREADS>(x, Max{});
}
