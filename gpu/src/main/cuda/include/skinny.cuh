// What becomes of the products of a few tokens that the skinny kernels have in common.
#pragma once

#include "scalar.cuh"

__device__ __forceinline__ float silu_mul(float gate, float up) { return gate / (1 + __expf(-gate)) * up; }

// Where the heads of a product with the weights of queries, keys and values go: queries to q, keys and values to their token's slot.
//   bias f32[(Hq+2Hk)*hd]; cos, sin f32[N, hd/2]; slots i64[N] -> q bf16[N, Hq, hd]; cache bf16[block, 2, Hk, 16, hd]
struct Heads {
    const float *bias, *cosines, *sines;
    const long long* slots;
    int queryHeads, keyHeads, headDim;
    bf16 *q, *cache;

    __device__ __forceinline__ bool is_turned(int head) const { return head < queryHeads + keyHeads; }

    // Of a head in the product's order: queries, keys, values.
    __device__ __forceinline__ bf16* place(int token, int head) const {
        if (head < queryHeads) {
            return q + (static_cast<long long>(token) * queryHeads + head) * headDim;
        }
        const long long slot = slots[token];
        const int part = is_turned(head) ? 0 : 1;
        const long long block = (slot / 16 * 2 + part) * keyHeads + (head - queryHeads - part * keyHeads);
        return cache + (block * 16 + slot % 16) * headDim;
    }
};
