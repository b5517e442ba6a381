// Selection by histograms, without sorting: which of a row's values are among the likeliest by count or by mass.
//
// Every sum is of integers, so the order in which threads add them does not matter. Coarsely, values fall into BINS bins of 1/64
// by their distance from the largest; exactly, they are told apart by a 54-bit key: the value's bits, made sortable, then the id.
#pragma once

#include "random.cuh"
#include "warp.cuh"

using u64 = unsigned long long;

constexpr float MINUS_INFINITY = -__builtin_inff();
constexpr float NONE = __builtin_nanf("");  // where there is no value

// What is no number counts as minus infinity.
__device__ __forceinline__ float number(float x) { return x > MINUS_INFINITY ? x : MINUS_INFINITY; }

constexpr int BINS = 2048;
constexpr int OVERFLOW_BIN = BINS - 1;  // 31.98 below the largest and less: too many to count in one place, and of no mass
constexpr float BINS_PER_UNIT = 64;
constexpr int ID_BITS = 22;
constexpr double MASS_OF_LARGEST = 0x1p45;  // so that 2^18 of them still have a sum

// Rising with x, -0 as 0; never NaN.
__device__ __forceinline__ unsigned sortable(float x) {
    unsigned bits = __float_as_uint(x + 0.0f);
    return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float from_sortable(unsigned key) {
    return __uint_as_float(key >> 31 != 0 ? key & 0x7fffffffu : ~key);
}
__device__ __forceinline__ u64 sortable(double x) {
    u64 bits = static_cast<u64>(__double_as_longlong(x + 0.0));
    return bits >> 63 != 0 ? ~bits : bits | 1ull << 63;
}
__device__ __forceinline__ double from_sortable(u64 key) {
    return __longlong_as_double(static_cast<long long>(key >> 63 != 0 ? key & ~(1ull << 63) : ~key));
}

__device__ __forceinline__ u64 key_of(float x, int id) { return static_cast<u64>(sortable(x)) << ID_BITS | static_cast<unsigned>(id); }
__device__ __forceinline__ float value_of(u64 key) { return from_sortable(static_cast<unsigned>(key >> ID_BITS)); }
__device__ __forceinline__ int id_of(u64 key) { return static_cast<int>(key & ((1u << ID_BITS) - 1)); }

// Falls as x rises, equal for equal x.
__device__ __forceinline__ int bin_of(float x, float max) {
    float distance = (max - x) * BINS_PER_UNIT;
    return distance < OVERFLOW_BIN ? static_cast<int>(distance) : distance >= OVERFLOW_BIN ? OVERFLOW_BIN : 0;
}

// e^(x - max) in fixed point.
__device__ __forceinline__ u64 mass_of(float x, float max) {
    double distance = static_cast<double>(x) - max;
    return distance > -32 ? static_cast<u64>(rint(exponential(distance) * MASS_OF_LARGEST)) : 0;
}

// The sum over the threads before this one; total gets the sum over all.
template <int THREADS>
__device__ inline u64 block_scan(u64 x, u64& total) {
    __shared__ u64 sums[THREADS / 32];
    int lane = threadIdx.x % 32;
    u64 inclusive = x;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
        u64 other = __shfl_up_sync(ALL_LANES, inclusive, distance);
        inclusive += lane >= distance ? other : 0;
    }
    __syncthreads();  // the sums of an earlier call have been read
    if (lane == 31) {
        sums[threadIdx.x / 32] = inclusive;
    }
    __syncthreads();
    u64 before = 0;
    total = 0;
    for (int i = 0; i < THREADS / 32; i++) {
        before += i < static_cast<int>(threadIdx.x) / 32 ? sums[i] : 0;
        total += sums[i];
    }
    return before + inclusive - x;
}

// Where a running sum over COUNT weights first reaches the target (which is above 0): index, and the sum before it; index COUNT
// and the sum of all where it never does.
struct Place {
    int index;
    u64 before;
};
template <int THREADS, int COUNT, typename Weight>
__device__ inline Place reach(u64 target, Weight weight) {
    static_assert(COUNT % THREADS == 0, "equal shares");
    constexpr int SHARE = COUNT / THREADS;
    __shared__ Place found;
    u64 sum = 0;
#pragma unroll
    for (int i = 0; i < SHARE; i++) {
        sum += weight(threadIdx.x * SHARE + i);
    }
    u64 total;
    u64 before = block_scan<THREADS>(sum, total);
    if (total < target) {
        return Place{COUNT, total};
    }
    if (before < target && before + sum >= target) {
        for (int i = 0; i < SHARE; i++) {
            u64 w = weight(threadIdx.x * SHARE + i);
            if (before + w >= target) {
                found = Place{static_cast<int>(threadIdx.x) * SHARE + i, before};
                break;
            }
            before += w;
        }
    }
    __syncthreads();
    Place place = found;
    __syncthreads();
    return place;
}

// The key at which the weights of the keys, summed from the largest, first reach the target; 0 where they never do. each(f) calls
// f(key) for this thread's share of the keys. sums has BINS places. Of a key's 54 bits the first 11 * digits count.
template <int THREADS, typename Each, typename Weight>
__device__ inline u64 descend(u64* sums, int digits, u64 target, Each each, Weight weight) {
    u64 prefix = 0;
    int shift = 32 + ID_BITS;
    for (int digit = 0; digit < digits; digit++) {
        int bits = min(11, shift);
        shift -= bits;
        for (int i = threadIdx.x; i < BINS; i += THREADS) {
            sums[i] = 0;
        }
        __syncthreads();
        each([&](u64 key) {
            if (key >> (shift + bits) == prefix) {
                atomicAdd(&sums[key >> shift & ((1 << bits) - 1)], weight(key));
            }
        });
        __syncthreads();
        Place place = reach<THREADS, BINS>(target, [&](int i) { return sums[BINS - 1 - i]; });
        if (place.index == BINS) {
            return 0;
        }
        target -= place.before;
        prefix = prefix << bits | static_cast<u64>(BINS - 1 - place.index);
        __syncthreads();
    }
    return prefix << shift;
}
