// Adds the bias, turns queries and keys by their token's angles (halves, as GPT-NeoX), and puts keys and values into the
// layer's cache.
//   qkv c[T, (Hq+2Hk)*hd]; bias f32[(Hq+2Hk)*hd]; cos, sin f32[T, hd/2]; slots i64[T]
//   -> q c[T, Hq, hd]; cache c[block, 2, Hk, 16, hd]
// Grid: a block a token.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 128;
constexpr int BLOCK_TOKENS = 16;

template <typename C>
__device__ void qkv_rope(
        const C* qkv, const float* bias, const float* cosines, const float* sines, const long long* slots,
        int queryHeads, int keyHeads, int headDim, C* q, C* cache) {
    long long token = blockIdx.x;
    int half = headDim / 2;
    int keyWidth = keyHeads * headDim;
    const C* from = qkv + token * (queryHeads * headDim + 2 * keyWidth);
    const float* cosine = cosines + token * half;
    const float* sine = sines + token * half;
    long long slot = slots[token];
    C* keys = cache + slot / BLOCK_TOKENS * (2LL * BLOCK_TOKENS * keyWidth) + slot % BLOCK_TOKENS * headDim;
    C* values = keys + BLOCK_TOKENS * keyWidth;
    for (int i = threadIdx.x; i < (queryHeads + keyHeads) * half; i += THREADS) {
        int head = i / half;
        int d = i % half;
        int at = head * headDim + d;
        float a = to_float(from[at]) + bias[at];
        float b = to_float(from[at + half]) + bias[at + half];
        C* to = head < queryHeads ? q + token * (queryHeads * headDim) + at
                                  : keys + (head - queryHeads) * (BLOCK_TOKENS * headDim) + d;
        to[0] = from_float<C>(a * cosine[d] - b * sine[d]);
        to[half] = from_float<C>(b * cosine[d] + a * sine[d]);
    }
    int valueStart = queryHeads * headDim + keyWidth;
    for (int i = threadIdx.x; i < keyWidth; i += THREADS) {
        values[i / headDim * (BLOCK_TOKENS * headDim) + i % headDim] =
                from_float<C>(to_float(from[valueStart + i]) + bias[valueStart + i]);
    }
}

}  // namespace

#define QKV_ROPE(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const C* qkv, const float* bias, const float* cosines, const float* sines, const long long* slots, \
            int queryHeads, int keyHeads, int headDim, C* q, C* cache) { \
        qkv_rope<C>(qkv, bias, cosines, sines, slots, queryHeads, keyHeads, headDim, q, cache); \
    }

QKV_ROPE(qkv_rope_bf16, bf16)
QKV_ROPE(qkv_rope_f32, float)
