// Adds the bias to queries, keys and values and turns queries and keys by their patch's angles (halves, as GPT-NeoX), in place.
//   qkv c[P, 3, H, hd]; bias f32[3, H, hd]; cos, sin f32[P, hd/2]
// Grid: blocks of PATCHES patches.
//
// vis_angles: cos, sin f32[P, half] <- positions i[2, P] (row, column) times frequencies f32[half/2]: the first half of the pairs
// turns with the row, the second with the column.
// Grid: blocks of THREADS values.

#include "floats.cuh"

namespace {

constexpr int THREADS = 160;  // 16 heads of 80: a pack of a pair each, then a pack of a value each
constexpr int PATCHES = 4;

// N neighbours in registers; a pack where addresses allow it.
template <typename C, int N>
__device__ __forceinline__ void load(const C* p, float (&x)[N]) {
    if constexpr (N == Pack<C>::SIZE) {
        Pack<C>::load(p).to_floats(x);
    } else {
        x[0] = to_float(*p);
    }
}
template <typename C, int N>
__device__ __forceinline__ void store(C* p, const float (&x)[N]) {
    if constexpr (N == Pack<C>::SIZE) {
        Pack<C>::from_floats(x).store(p);
    } else {
        *p = from_float<C>(x[0]);
    }
}

template <typename C, int N>
__device__ void vis_rope(C* qkv, const float* bias, const float* cosines, const float* sines, int numPatches, int heads, int half) {
    const int width = heads * 2 * half;
    const long long first = (long long)blockIdx.x * PATCHES;
    const int count = min((long long)PATCHES, numPatches - first);
    C* rows = qkv + first * 3 * width;
    const int pairs = width / N;  // of queries and keys together
    for (int item = threadIdx.x; item < pairs; item += THREADS) {
        const int d = item % (half / N) * N;
        const int at = item / (half / N) * 2 * half + d;
        float biasA[N];
        float biasB[N];
        load_floats(bias + at, biasA);
        load_floats(bias + at + half, biasB);
        for (int p = 0; p < count; p++) {
            C* x = rows + (long long)p * 3 * width + at;
            float cosine[N];
            float sine[N];
            float a[N];
            float b[N];
            load_floats(cosines + (first + p) * half + d, cosine);
            load_floats(sines + (first + p) * half + d, sine);
            load(x, a);
            load(x + half, b);
            for (int i = 0; i < N; i++) {
                const float u = a[i] + biasA[i];
                const float v = b[i] + biasB[i];
                a[i] = u * cosine[i] - v * sine[i];
                b[i] = v * cosine[i] + u * sine[i];
            }
            store(x, a);
            store(x + half, b);
        }
    }
    for (int at = 2 * width + threadIdx.x * N; at < 3 * width; at += THREADS * N) {
        float biasV[N];
        load_floats(bias + at, biasV);
        for (int p = 0; p < count; p++) {
            C* x = rows + (long long)p * 3 * width + at;
            float v[N];
            load(x, v);
            for (int i = 0; i < N; i++) {
                v[i] += biasV[i];
            }
            store(x, v);
        }
    }
}

template <typename C>
__device__ void vis_rope(C* qkv, const float* bias, const float* cosines, const float* sines, int numPatches, int heads, int half) {
    if (half % Pack<C>::SIZE == 0) {
        vis_rope<C, Pack<C>::SIZE>(qkv, bias, cosines, sines, numPatches, heads, half);
    } else {
        vis_rope<C, 1>(qkv, bias, cosines, sines, numPatches, heads, half);
    }
}

}  // namespace

#define VIS_ROPE(NAME, C)                                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                                                      \
            C* qkv, const float* bias, const float* cosines, const float* sines, int numPatches, int heads, int half) { \
        vis_rope<C>(qkv, bias, cosines, sines, numPatches, heads, half);                                             \
    }

VIS_ROPE(vis_rope_bf16, bf16)
VIS_ROPE(vis_rope_f32, float)

extern "C" __global__ void __launch_bounds__(THREADS) vis_angles(
        const int* positions, const float* frequencies, int numPatches, int half, float* cosines, float* sines) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i < (long long)numPatches * half) {
        const int patch = i / half;
        const int pair = i % half;
        const int axis = pair / (half / 2);
        sincosf((float)positions[(long long)axis * numPatches + patch] * frequencies[pair % (half / 2)], sines + i, cosines + i);
    }
}
