// Storage types: a kernel's template parameter C is bf16 or float; arithmetic is fp32 throughout.
#pragma once

#include "ptx.cuh"

struct bf16 {
    unsigned short bits;
};

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }

// Rounds to nearest even.
template <typename C>
__device__ __forceinline__ C from_float(float x);
template <>
__device__ __forceinline__ float from_float<float>(float x) {
    return x;
}
template <>
__device__ __forceinline__ bf16 from_float<bf16>(float x) {
    return bf16{bf16_bits(x)};
}

// 16 bytes of C in registers, the widest access a thread has: SIZE = 8 bf16 or 4 floats. Addresses are aligned to 16 bytes.
template <typename C>
struct Pack {
    static constexpr int SIZE = 16 / sizeof(C);
    uint4 words;

    static __device__ __forceinline__ Pack load(const C* p) { return Pack{*reinterpret_cast<const uint4*>(p)}; }
    // For what nobody writes during the kernel and that is used once, such as weights.
    static __device__ __forceinline__ Pack stream(const C* p) { return Pack{ld_global_nc_l2(p)}; }
    static __device__ __forceinline__ Pack zero() { return Pack{make_uint4(0, 0, 0, 0)}; }
    __device__ __forceinline__ void store(C* p) const { *reinterpret_cast<uint4*>(p) = words; }

    __device__ __forceinline__ void to_floats(float (&x)[SIZE]) const;
    static __device__ __forceinline__ Pack from_floats(const float (&x)[SIZE]);
};

template <>
__device__ __forceinline__ void Pack<float>::to_floats(float (&x)[4]) const {
    x[0] = __uint_as_float(words.x);
    x[1] = __uint_as_float(words.y);
    x[2] = __uint_as_float(words.z);
    x[3] = __uint_as_float(words.w);
}
template <>
__device__ __forceinline__ Pack<float> Pack<float>::from_floats(const float (&x)[4]) {
    return Pack{make_uint4(__float_as_uint(x[0]), __float_as_uint(x[1]), __float_as_uint(x[2]), __float_as_uint(x[3]))};
}

template <>
__device__ __forceinline__ void Pack<bf16>::to_floats(float (&x)[8]) const {
    const unsigned w[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        x[2 * i] = __uint_as_float(w[i] << 16);
        x[2 * i + 1] = __uint_as_float(w[i] & 0xffff0000u);
    }
}
template <>
__device__ __forceinline__ Pack<bf16> Pack<bf16>::from_floats(const float (&x)[8]) {
    return Pack{make_uint4(bf16x2_bits(x[0], x[1]), bf16x2_bits(x[2], x[3]), bf16x2_bits(x[4], x[5]), bf16x2_bits(x[6], x[7]))};
}
