// How a row of logits is cut for the kernels that scan it: chunks of CHUNK, a block each, PACKS times four values a thread.
#pragma once

#include "scalar.cuh"
#include "select.cuh"

constexpr int SCAN_THREADS = 256;
constexpr int PACKS = 4;
constexpr int CHUNK = SCAN_THREADS * PACKS * 4;
constexpr int LIST = 4096;  // keys that a row's list has room for

// The first index of a pack of this thread, in the chunk of this block.
__device__ __forceinline__ int pack_start(int pack) { return blockIdx.x * CHUNK + (pack * SCAN_THREADS + threadIdx.x) * 4; }

__device__ __forceinline__ bool is_aligned(const float* logits) { return (reinterpret_cast<u64>(logits) & 15) == 0; }

// Four consecutive logits from an index that divides by 4; NONE behind the end.
__device__ __forceinline__ void load_logits(const float* logits, bool aligned, int size, int first, float (&x)[4]) {
    if (aligned && first + 4 <= size) {
        Pack<float>::load(logits + first).to_floats(x);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        x[i] = first + i < size ? logits[first + i] : NONE;
    }
}

// The largest of the chunks' largest values.
template <int N>
__device__ inline float largest(const float* maxima, int chunks) {
    float max = MINUS_INFINITY;
    for (int i = threadIdx.x; i < chunks; i += N) {
        max = fmaxf(max, maxima[i]);
    }
    return block_max<N>(max);
}

// Adds a key to a row's list; where that is full only its length grows.
__device__ __forceinline__ void append(u64* list, int* length, u64 key) {
    int at = atomicAdd(length, 1);
    if (at < LIST) {
        list[at] = key;
    }
}
