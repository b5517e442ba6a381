// What a step derives from its inputs before the first layer.
//
// prepare: each token's id, slot and sine and cosine; where each sequence's attention items start.
//   ids i[T], -1 = the token that the sequence's row sampled last; positions i[3,T]; cuQ i[S+1]; contextLength i[S]; row i[S]
//   tables i[rows, tableStride]; lastTokens i[rows]; frequencies f32[half]; axes i[half]
//   -> tokenIds i[T], slots i64[T], sequences i[T], cos f32[T, half], sin f32[T, half], firstItem i[S+1]
// A slot is a token's place in a layer's cache: block * 16 + index in the block. An item is `tile` queries of one key-value
// head of one sequence, as attend.cu cuts them.
//
// update_tables: tables[row, index] <- block for triples i[U, 3].

#include "search.cuh"

namespace {

constexpr int THREADS = 128;
constexpr int BLOCK_TOKENS = 16;

__device__ int items_of(const int* cuQ, int s, int group, int tile) {
    return ((cuQ[s + 1] - cuQ[s]) * group + tile - 1) / tile;
}

// firstItem[s] <- items of the sequences before s; one block.
__device__ void count_items(const int* cuQ, int numSequences, int group, int tile, int* firstItem) {
    __shared__ int sums[THREADS];
    int share = (numSequences + THREADS - 1) / THREADS;
    int from = min(numSequences, (int)threadIdx.x * share);
    int to = min(numSequences, from + share);
    int sum = 0;
    for (int s = from; s < to; s++) {
        sum += items_of(cuQ, s, group, tile);
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    int start = 0;
    for (int i = 0; i < (int)threadIdx.x; i++) {
        start += sums[i];
    }
    for (int s = from; s < to; s++) {
        firstItem[s] = start;
        start += items_of(cuQ, s, group, tile);
    }
    if (threadIdx.x == THREADS - 1) {
        firstItem[numSequences] = start;
    }
}

}  // namespace

// Grid: a block a token and one more.
extern "C" __global__ void __launch_bounds__(THREADS) prepare(
        const int* ids, const int* positions, const int* cuQ, const int* contextLength, const int* row,
        const int* tables, const int* lastTokens, const float* frequencies, const int* axes,
        int numTokens, int numSequences, int tableStride, int half, int group, int tile,
        int* tokenIds, long long* slots, int* sequences, float* cosines, float* sines, int* firstItem) {
    int token = blockIdx.x;
    if (token == numTokens) {
        count_items(cuQ, numSequences, group, tile, firstItem);
        return;
    }
    if (threadIdx.x == 0) {
        int s = last_at_most(cuQ, numSequences, token);
        int index = contextLength[s] - cuQ[s + 1] + token;
        int block = tables[(long long)row[s] * tableStride + index / BLOCK_TOKENS];
        sequences[token] = s;
        slots[token] = (long long)block * BLOCK_TOKENS + index % BLOCK_TOKENS;
        tokenIds[token] = ids[token] < 0 ? lastTokens[row[s]] : ids[token];
    }
    for (int i = threadIdx.x; i < half; i += THREADS) {
        float angle = (float)positions[axes[i] * numTokens + token] * frequencies[i];
        float sine;
        float cosine;
        sincosf(angle, &sine, &cosine);
        cosines[(long long)token * half + i] = cosine;
        sines[(long long)token * half + i] = sine;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) update_tables(
        const int* updates, int count, int tableStride, int* tables) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < count) {
        tables[(long long)updates[3 * i] * tableStride + updates[3 * i + 1]] = updates[3 * i + 2];
    }
}
