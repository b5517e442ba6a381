// Adds the bias, turns queries and keys by their token's angles (halves, as GPT-NeoX), and puts keys and values into the
// layer's cache.
//   qkv c[T, (Hq+2Hk)*hd]; bias f32[(Hq+2Hk)*hd]; cos, sin f32[T, hd/2]; slots i64[T]
//   -> q c[T, Hq, hd]; cache c[block, 2, Hk, 16, hd]
// Grid: a block a token. Where half a head is a multiple of 8, 16 bytes at a time.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 320;  // the 7B model's packs of a token in bf16: (28 + 4) * 8 pairs and 4 * 16 of values
constexpr int BLOCK_TOKENS = 16;

// N values at a time: a pack, or one.
template <typename C, int N>
__device__ __forceinline__ void load(const C* from, float (&x)[N]) {
    if constexpr (N == 1) {
        x[0] = to_float(*from);
    } else {
        Pack<C>::load(from).to_floats(x);
    }
}
template <typename C, int N>
__device__ __forceinline__ void load_biased(const C* from, const float* bias, float (&x)[N]) {
    load(from, x);
#pragma unroll
    for (int j = 0; j < N; j++) {
        x[j] += bias[j];
    }
}
template <typename C, int N>
__device__ __forceinline__ void store(const float (&x)[N], C* to) {
    if constexpr (N == 1) {
        *to = from_float<C>(x[0]);
    } else {
        Pack<C>::from_floats(x).store(to);
    }
}

struct Heads {
    int query, key, dim;
};

// Where a head's values of the slot lie in the cache, keys (part 0) or values (part 1).
template <typename C>
__device__ __forceinline__ C* place(C* cache, long long slot, int part, int head, const Heads& heads) {
    long long block = (slot / BLOCK_TOKENS * 2 + part) * heads.key + head;
    return cache + (block * BLOCK_TOKENS + slot % BLOCK_TOKENS) * heads.dim;
}

template <typename C, int N>
__device__ void qkv_rope(
        const C* from, const float* bias, const float* cosine, const float* sine, long long slot, const Heads& heads, C* q, C* cache) {
    int half = heads.dim / 2;
    int pairs = (heads.query + heads.key) * (half / N);
    int all = pairs + heads.key * (heads.dim / N);
    for (int i = threadIdx.x; i < all; i += THREADS) {
        if (i < pairs) {
            int head = i / (half / N);
            int d = i % (half / N) * N;
            int at = head * heads.dim + d;
            float a[N], b[N], low[N], high[N];
            load_biased(from + at, bias + at, a);
            load_biased(from + at + half, bias + at + half, b);
#pragma unroll
            for (int j = 0; j < N; j++) {
                low[j] = a[j] * cosine[d + j] - b[j] * sine[d + j];
                high[j] = b[j] * cosine[d + j] + a[j] * sine[d + j];
            }
            C* to = head < heads.query ? q + at : place(cache, slot, 0, head - heads.query, heads) + d;
            store(low, to);
            store(high, to + half);
        } else {
            int at = (i - pairs) * N;
            int start = (heads.query + heads.key) * heads.dim + at;
            float value[N];
            load_biased(from + start, bias + start, value);
            store(value, place(cache, slot, 1, at / heads.dim, heads) + at % heads.dim);
        }
    }
}

template <typename C>
__device__ void qkv_rope(
        const C* qkv, const float* bias, const float* cosines, const float* sines, const long long* slots, const Heads& heads,
        C* q, C* cache) {
    griddepcontrol_wait();
    long long token = blockIdx.x;
    int half = heads.dim / 2;
    const C* from = qkv + token * ((heads.query + 2 * heads.key) * heads.dim);
    const float* cosine = cosines + token * half;
    const float* sine = sines + token * half;
    C* to = q + token * (heads.query * heads.dim);
    if (half % Pack<C>::SIZE == 0) {
        qkv_rope<C, Pack<C>::SIZE>(from, bias, cosine, sine, slots[token], heads, to, cache);
    } else {
        qkv_rope<C, 1>(from, bias, cosine, sine, slots[token], heads, to, cache);
    }
}

}  // namespace

#define QKV_ROPE(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const C* qkv, const float* bias, const float* cosines, const float* sines, const long long* slots, \
            int queryHeads, int keyHeads, int headDim, C* q, C* cache) { \
        qkv_rope<C>(qkv, bias, cosines, sines, slots, Heads{queryHeads, keyHeads, headDim}, q, cache); \
    }

QKV_ROPE(qkv_rope_bf16, bf16)
QKV_ROPE(qkv_rope_f32, float)
