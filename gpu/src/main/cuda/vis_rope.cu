// Adds the bias to queries, keys and values and turns queries and keys by their patch's angles (halves, as GPT-NeoX), in place.
//   qkv c[P, 3, H, hd]; bias f32[3, H, hd]; cos, sin f32[P, hd/2]
// Grid: blocks of PATCHES patches.
//
// vis_rope_planes_bf16: the same, but keys and values go to planes [H, 2, hd/8, P, 8] and not back: a head's keys, then its values,
// in columns of 8 values (vis_attend_hopper.cu). hd a multiple of 16.
// Grid: blocks of PLANE_PATCHES patches.
//
// vis_angles: cos, sin f32[P, half] <- positions i[2, P] (row, column) times frequencies f32[half/2]: the first half of the pairs
// turns with the row, the second with the column.
// Grid: blocks of THREADS values.

#include "floats.cuh"

namespace {

constexpr int THREADS = 160;  // 16 heads of 80: a pack of a pair each, then a pack of a value each
constexpr int PATCHES = 4;
constexpr int PLANE_PATCHES = 8;

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

// Pairs (a, b) with their biases, turned by their angles.
template <int N>
__device__ __forceinline__ void turn(
        float (&a)[N], float (&b)[N], const float (&biasA)[N], const float (&biasB)[N], const float (&cosine)[N], const float (&sine)[N]) {
    for (int i = 0; i < N; i++) {
        const float u = a[i] + biasA[i];
        const float v = b[i] + biasB[i];
        a[i] = u * cosine[i] - v * sine[i];
        b[i] = v * cosine[i] + u * sine[i];
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
            turn(a, b, biasA, biasB, cosine, sine);
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

// Neighbouring threads take neighbouring patches, whose values lie side by side in a plane.
__device__ __forceinline__ void vis_rope_planes(
        bf16* qkv, const float* bias, const float* cosines, const float* sines, int numPatches, int heads, int half, bf16* planes) {
    constexpr int N = Pack<bf16>::SIZE;
    const int chunks = 2 * half / N;
    const int width = heads * 2 * half;
    const long long patch = (long long)blockIdx.x * PLANE_PATCHES + threadIdx.x % PLANE_PATCHES;
    if (patch >= numPatches) {
        return;
    }
    bf16* row = qkv + patch * 3 * width;
    // of keys (part 0) or values (1)
    auto place = [&](int part, int head, int d) {
        return planes + (((head * 2 + part) * chunks + d / N) * (long long)numPatches + patch) * N;
    };
    for (int item = threadIdx.x / PLANE_PATCHES; item < width / N; item += THREADS / PLANE_PATCHES) {
        const int d = item % (half / N) * N;
        const int head = item / (half / N);  // of the queries, then of the keys
        const int at = head * 2 * half + d;
        float biasA[N];
        float biasB[N];
        float cosine[N];
        float sine[N];
        float a[N];
        float b[N];
        load_floats(bias + at, biasA);
        load_floats(bias + at + half, biasB);
        load_floats(cosines + patch * half + d, cosine);
        load_floats(sines + patch * half + d, sine);
        load(row + at, a);
        load(row + at + half, b);
        turn(a, b, biasA, biasB, cosine, sine);
        store(head < heads ? row + at : place(0, head - heads, d), a);
        store(head < heads ? row + at + half : place(0, head - heads, d + half), b);
    }
    for (int item = threadIdx.x / PLANE_PATCHES; item < width / N; item += THREADS / PLANE_PATCHES) {
        const int at = 2 * width + item * N;
        float biasV[N];
        float v[N];
        load_floats(bias + at, biasV);
        load(row + at, v);
        for (int i = 0; i < N; i++) {
            v[i] += biasV[i];
        }
        store(place(1, item / chunks, item % chunks * N), v);
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

extern "C" __global__ void __launch_bounds__(THREADS) vis_rope_planes_bf16(
        bf16* qkv, const float* bias, const float* cosines, const float* sines, int numPatches, int heads, int half, bf16* planes) {
    vis_rope_planes(qkv, bias, cosines, sines, numPatches, heads, half, planes);
}

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
