// Adds the bias, turns queries and keys by their token's angles (halves, as GPT-NeoX), and puts keys and values into the
// layer's cache.
//   qkv c[T, (Hq+2Hk)*hd]; bias f32[(Hq+2Hk)*hd]; cos, sin f32[T, hd/2]; slots i64[T]
//   -> q c[T, Hq, hd]; cache c[block, 2, Hk, 16, hd]
// Grid: blocks take tokens in turn, each reading its next while it turns this one. Where half a head is a multiple of 8, 16 bytes at
// a time.

#include "floats.cuh"

namespace {

constexpr int THREADS = 288;  // the 7B model's pairs of packs of a token in bf16: (28 + 2 * 4) * 8
constexpr int RESIDENT = 3;
constexpr int BLOCK_TOKENS = 16;

// N values of C: a pack, or one.
template <typename C, int N>
struct Some {
    Pack<C> pack;
    __device__ __forceinline__ void load(const C* from) { pack = Pack<C>::load(from); }
    __device__ __forceinline__ void to_floats(float (&x)[N]) const { pack.to_floats(x); }
    static __device__ __forceinline__ void store(const float (&x)[N], C* to) { Pack<C>::from_floats(x).store(to); }
};
template <typename C>
struct Some<C, 1> {
    C value;
    __device__ __forceinline__ void load(const C* from) { value = *from; }
    __device__ __forceinline__ void to_floats(float (&x)[1]) const { x[0] = to_float(value); }
    static __device__ __forceinline__ void store(const float (&x)[1], C* to) { *to = from_float<C>(x[0]); }
};

struct Heads {
    int query, key, dim;
};

// Where a head's values of the slot lie in the cache, keys (part 0) or values (part 1).
template <typename C>
__device__ __forceinline__ C* place(C* cache, long long slot, int part, int head, const Heads& heads) {
    long long block = (slot / BLOCK_TOKENS * 2 + part) * heads.key + head;
    return cache + (block * BLOCK_TOKENS + slot % BLOCK_TOKENS) * heads.dim;
}

template <typename C>
struct Step {
    const C* qkv;
    const float *bias, *cosines, *sines;
    const long long* slots;
    int tokens;
    Heads heads;
    C *q, *cache;
};

// N pairs of values of every head, halves of it apart.
template <typename C, int N>
__device__ void qkv_rope(const Step<C>& step) {
    const Heads& heads = step.heads;
    int half = heads.dim / 2;
    int width = (heads.query + 2 * heads.key) * heads.dim;
    int pairs = (heads.query + 2 * heads.key) * (half / N);
    for (int i = threadIdx.x; i < pairs; i += THREADS) {
        int head = i / (half / N);
        int d = i % (half / N) * N;
        int at = head * heads.dim + d;
        float lowBias[N], highBias[N];
        load_floats(step.bias + at, lowBias);
        load_floats(step.bias + at + half, highBias);
        griddepcontrol_wait();  // biases are older than the kernels ahead
        Some<C, N> nextLow, nextHigh;
        auto load = [&](int token) {
            const C* from = step.qkv + static_cast<long long>(token) * width + at;
            nextLow.load(from);
            nextHigh.load(from + half);
        };
        load(blockIdx.x);
        for (int token = blockIdx.x; token < step.tokens; token += gridDim.x) {
            Some<C, N> low = nextLow, high = nextHigh;
            if (token + static_cast<int>(gridDim.x) < step.tokens) {
                load(token + gridDim.x);
            }
            float a[N], b[N];
            low.to_floats(a);
            high.to_floats(b);
#pragma unroll
            for (int j = 0; j < N; j++) {
                a[j] += lowBias[j];
                b[j] += highBias[j];
            }
            if (head < heads.query + heads.key) {
                float cosine[N], sine[N];
                load_floats(step.cosines + static_cast<long long>(token) * half + d, cosine);
                load_floats(step.sines + static_cast<long long>(token) * half + d, sine);
#pragma unroll
                for (int j = 0; j < N; j++) {
                    float turned = a[j] * cosine[j] - b[j] * sine[j];
                    b[j] = b[j] * cosine[j] + a[j] * sine[j];
                    a[j] = turned;
                }
            }
            C* to = step.q + static_cast<long long>(token) * (heads.query * heads.dim) + at;
            if (head >= heads.query) {
                int part = head < heads.query + heads.key ? 0 : 1;
                to = place(step.cache, step.slots[token], part, head - heads.query - part * heads.key, heads) + d;
            }
            Some<C, N>::store(a, to);
            Some<C, N>::store(b, to + half);
        }
    }
}

template <typename C>
__device__ void qkv_rope(const Step<C>& step) {
    if (step.heads.dim / 2 % Pack<C>::SIZE == 0) {
        qkv_rope<C, Pack<C>::SIZE>(step);
    } else {
        qkv_rope<C, 1>(step);
    }
}

}  // namespace

#define QKV_ROPE(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT) NAME( \
            const C* qkv, const float* bias, const float* cosines, const float* sines, const long long* slots, int tokens, \
            int queryHeads, int keyHeads, int headDim, C* q, C* cache) { \
        qkv_rope(Step<C>{qkv, bias, cosines, sines, slots, tokens, Heads{queryHeads, keyHeads, headDim}, q, cache}); \
    }

QKV_ROPE(qkv_rope_bf16, bf16)
QKV_ROPE(qkv_rope_f32, float)
