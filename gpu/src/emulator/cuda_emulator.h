// CUDA's device language for g++: stands in front of a .cu file, so that its kernels run on the host, one fiber a CUDA thread.
// The functions declared extern "C" here are in the emulated driver, which the compiled kernels are loaded into.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__ EMULATED_GLOBAL
#define __launch_bounds__(...) EMULATED_BOUNDS(__VA_ARGS__)
#ifndef EMULATED_LIST_KERNELS  // the build first only preprocesses the file with these two left, to read the kernels' names
#define EMULATED_GLOBAL __attribute__((visibility("default")))
#define EMULATED_BOUNDS(...)
#endif
#define __device__
#define __host__
#define __constant__ static
#define __shared__ thread_local  // one block at a time runs on an OS thread
#define __align__(n) __attribute__((aligned(n)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __grid_constant__

#define EMULATED_VECTOR(T, name, a1, a2, a4)                                                                  \
    struct alignas(a1) name##1 { T x; };                                                                      \
    struct alignas(a2) name##2 { T x, y; };                                                                   \
    struct name##3 { T x, y, z; };                                                                            \
    struct alignas(a4) name##4 { T x, y, z, w; };                                                             \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                                \
    inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                                        \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTOR(signed char, char, 1, 2, 4)
EMULATED_VECTOR(unsigned char, uchar, 1, 2, 4)
EMULATED_VECTOR(short, short, 2, 4, 8)
EMULATED_VECTOR(unsigned short, ushort, 2, 4, 8)
EMULATED_VECTOR(int, int, 4, 8, 16)
EMULATED_VECTOR(unsigned, uint, 4, 8, 16)
EMULATED_VECTOR(float, float, 4, 8, 16)
EMULATED_VECTOR(long long, longlong, 8, 16, 16)
EMULATED_VECTOR(unsigned long long, ulonglong, 8, 16, 16)
EMULATED_VECTOR(double, double, 8, 16, 16)
#undef EMULATED_VECTOR
struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

// --- threads ---------------------------------------------------------------------------------------------------------------------

struct EmulatedBlock {
    uint3 index;
    dim3 size, grid;
};
struct EmulatedThread {
    uint3 index;
    int lane;
    const EmulatedBlock* block;
};
extern "C" {
extern thread_local EmulatedThread* emulated_thread __attribute__((tls_model("initial-exec")));
enum EmulatedBarrier { EMULATED_SYNC, EMULATED_SYNC_OR, EMULATED_SYNC_AND, EMULATED_SYNC_COUNT };
int emulated_barrier(EmulatedBarrier kind, int predicate, const char* file, int line);
// Waits until every lane of mask is here with the same `run` and line; the last one calls it for all with their operands.
void emulated_collective(unsigned mask, void (*run)(unsigned mask, void** operands), void* operand, const char* file, int line);
void emulated_yield();
[[noreturn]] void emulated_fail(int result, const char* file, int line, const char* what);
void emulated_shared_access(const void* address, int bytes, const char* file, int line);  // fails unless aligned to bytes, in shared memory
void emulated_copy_async(void* to, const void* from, bool valid, const char* file, int line);
void emulated_copy_commit();
void emulated_copy_wait(int newest);
void emulated_bulk_copy(void* to, const void* from, int bytes, const void* barrier, const char* file, int line);
int emulated_bulk_wait(const void* barrier);  // how many bytes it brought
void emulated_grid_wait();
}
#define threadIdx (emulated_thread->index)
#define blockIdx (emulated_thread->block->index)
#define blockDim (emulated_thread->block->size)
#define gridDim (emulated_thread->block->grid)
constexpr int warpSize = 32;

// Dynamic shared memory, under the one name that kernels give it.
constexpr int EMULATED_SHARED_BYTES = 227 * 1024, EMULATED_SHARED_MARGIN = 4096;
#ifndef EMULATED_DRIVER
alignas(128) thread_local unsigned char shared_memory[EMULATED_SHARED_BYTES + EMULATED_SHARED_MARGIN];
#endif

#define EMULATED_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(EMULATED_HERE) { emulated_barrier(EMULATED_SYNC, 0, file, line); }
inline int __syncthreads_or(int p, EMULATED_HERE) { return emulated_barrier(EMULATED_SYNC_OR, p, file, line); }
inline int __syncthreads_and(int p, EMULATED_HERE) { return emulated_barrier(EMULATED_SYNC_AND, p, file, line); }
inline int __syncthreads_count(int p, EMULATED_HERE) { return emulated_barrier(EMULATED_SYNC_COUNT, p, file, line); }

inline void __syncwarp(unsigned mask = 0xffffffffu, EMULATED_HERE) {
    emulated_collective(mask, [](unsigned, void**) {}, nullptr, file, line);
}

template <typename T>
struct EmulatedShuffle {
    T value, result;
    int source;  // lane, or -1: the thread's own value
    const char* file;
    int line;
};
template <typename T>
T emulated_shuffle(unsigned mask, T value, int source, const char* file, int line) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
    EmulatedShuffle<T> operand{value, value, source, file, line};
    emulated_collective(
            mask,
            [](unsigned lanes, void** operands) {
                for (int lane = 0; lane < 32; lane++) {
                    if (!(lanes >> lane & 1)) continue;
                    auto& to = *static_cast<EmulatedShuffle<T>*>(operands[lane]);
                    if (to.source < 0) continue;
                    if (!(lanes >> to.source & 1)) {
                        emulated_fail(719, to.file, to.line, "shuffle from a lane that is not in the mask");
                    }
                    to.result = static_cast<EmulatedShuffle<T>*>(operands[to.source])->value;
                }
            },
            &operand, file, line);
    return operand.result;
}
template <typename T>
T __shfl_sync(unsigned mask, T v, int source, int width = 32, EMULATED_HERE) {
    const int lane = emulated_thread->lane;
    return emulated_shuffle(mask, v, (lane & ~(width - 1)) | (source & (width - 1)), file, line);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T v, int bits, int width = 32, EMULATED_HERE) {
    const int lane = emulated_thread->lane, source = lane ^ bits;
    return emulated_shuffle(mask, v, source > (lane | (width - 1)) ? -1 : source, file, line);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32, EMULATED_HERE) {
    const int lane = emulated_thread->lane, source = lane - static_cast<int>(delta);
    return emulated_shuffle(mask, v, source < (lane & ~(width - 1)) ? -1 : source, file, line);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32, EMULATED_HERE) {
    const int lane = emulated_thread->lane, source = lane + static_cast<int>(delta);
    return emulated_shuffle(mask, v, source > (lane | (width - 1)) ? -1 : source, file, line);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, EMULATED_HERE) {
    unsigned operand = predicate != 0;
    emulated_collective(
            mask,
            [](unsigned lanes, void** operands) {
                unsigned ballot = 0;
                for (int i = 0; i < 32; i++) {
                    if (lanes >> i & 1) ballot |= *static_cast<unsigned*>(operands[i]) << i;
                }
                for (int i = 0; i < 32; i++) {
                    if (lanes >> i & 1) *static_cast<unsigned*>(operands[i]) = ballot;
                }
            },
            &operand, file, line);
    return operand;
}
inline int __any_sync(unsigned mask, int p, EMULATED_HERE) { return __ballot_sync(mask, p, file, line) != 0; }
inline int __all_sync(unsigned mask, int p, EMULATED_HERE) { return __ballot_sync(mask, p, file, line) == mask; }

// --- memory ----------------------------------------------------------------------------------------------------------------------

inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __threadfence(); }
inline void __threadfence_system() { __threadfence(); }
inline void __nanosleep(unsigned) { emulated_yield(); }
inline void __trap(EMULATED_HERE) { emulated_fail(719, file, line, "__trap"); }
inline long long clock64() { return __builtin_ia32_rdtsc(); }

template <typename T> T __ldg(const T* p) { return *p; }
template <typename T> T __ldcg(const T* p) { return *p; }
template <typename T> T __ldcs(const T* p) { return *p; }
template <typename T> void __stcg(T* p, T v) { *p = v; }
template <typename T> void __stcs(T* p, T v) { *p = v; }

template <typename T> using EmulatedSame = std::common_type_t<T>;  // keeps the second argument out of the deduction
template <typename T, typename Change>
T emulated_atomic(T* p, Change change) {
    static_assert(std::is_integral_v<T>, "atomics are for integers: sums of floats depend on their order");
    T old = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(p, &old, static_cast<T>(change(old)), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    return old;
}
template <typename T> T atomicAdd(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o + v; }); }
template <typename T> T atomicSub(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o - v; }); }
template <typename T> T atomicMax(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o > v ? o : v; }); }
template <typename T> T atomicMin(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o < v ? o : v; }); }
template <typename T> T atomicAnd(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o & v; }); }
template <typename T> T atomicOr(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o | v; }); }
template <typename T> T atomicXor(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T o) { return o ^ v; }); }
template <typename T> T atomicExch(T* p, EmulatedSame<T> v) { return emulated_atomic(p, [=](T) { return v; }); }
template <typename T> T atomicCAS(T* p, EmulatedSame<T> c, EmulatedSame<T> v) {
    return emulated_atomic(p, [=](T o) { return o == c ? v : o; });
}
inline unsigned atomicInc(unsigned* p, unsigned last) {
    return emulated_atomic(p, [=](unsigned o) { return o >= last ? 0 : o + 1; });
}

// --- arithmetic ------------------------------------------------------------------------------------------------------------------

template <typename To, typename From>
To emulated_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "same size");
    To y;
    std::memcpy(&y, &x, sizeof y);
    return y;
}
inline int __float_as_int(float x) { return emulated_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return emulated_bits<unsigned>(x); }
inline float __int_as_float(int x) { return emulated_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return emulated_bits<float>(x); }
inline long long __double_as_longlong(double x) { return emulated_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return emulated_bits<double>(x); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<uint64_t>(a) * b >> 32; }
inline int __mulhi(int a, int b) { return static_cast<int64_t>(a) * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned __int128>(a) * b >> 64;
}
inline long long __mul64hi(long long a, long long b) { return static_cast<__int128>(a) * b >> 64; }
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
    return ((static_cast<uint64_t>(high) << 32 | low) << (n & 31)) >> 32;
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
    return (static_cast<uint64_t>(high) << 32 | low) >> (n & 31);
}
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
    const unsigned long long bytes = a | static_cast<unsigned long long>(b) << 32;
    unsigned result = 0;
    for (int i = 0; i < 4; i++) result |= static_cast<unsigned>(bytes >> (selector >> 4 * i & 7) * 8 & 0xff) << 8 * i;
    return result;
}

#define EMULATED_MIN_MAX(T)                                                                                   \
    inline T min(T a, T b) { return b < a ? b : a; }                                                          \
    inline T max(T a, T b) { return a < b ? b : a; }
EMULATED_MIN_MAX(int)
EMULATED_MIN_MAX(unsigned)
EMULATED_MIN_MAX(long)
EMULATED_MIN_MAX(unsigned long)
EMULATED_MIN_MAX(long long)
EMULATED_MIN_MAX(unsigned long long)
#undef EMULATED_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
using std::isfinite;
using std::isinf;
using std::isnan;

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }
inline int __float2int_rn(float x) { return static_cast<int>(rintf(x)); }
// Apart from their neighbours: these are never contracted into an fma.
__attribute__((noinline)) inline float __fadd_rn(float a, float b) { return a + b; }
__attribute__((noinline)) inline float __fsub_rn(float a, float b) { return a - b; }
__attribute__((noinline)) inline float __fmul_rn(float a, float b) { return a * b; }
#define __expf(x) expf(x)  // macros: glibc declares functions of these names
#define __exp2f(x) exp2f(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)

// --- what the emulated driver is given of a kernel -----------------------------------------------------------------------------------

struct EmulatedKernel {
    void (*call)(void** arguments);
    int maxThreads, arguments;
    const short *sizes, *alignments;
    unsigned char* (*shared)();  // this OS thread's copy of the file's dynamic shared memory
};
#ifndef EMULATED_DRIVER
inline unsigned char* emulated_shared() { return shared_memory; }
constexpr int emulated_bound(int threads = 1024, int = 0, int = 0) { return threads; }

template <typename F> struct EmulatedSignature;
template <typename... A>
struct EmulatedSignature<void (*)(A...)> {
    static constexpr short sizes[] = {sizeof(A)..., 0}, alignments[] = {alignof(A)..., 0};
    template <void (*kernel)(A...), size_t... I>
    static void unpack(void** arguments, std::index_sequence<I...>) {
        kernel(*static_cast<std::remove_cv_t<A>*>(arguments[I])...);
    }
    template <void (*kernel)(A...)>
    static void call(void** arguments) {
        unpack<kernel>(arguments, std::index_sequence_for<A...>());
    }
    template <void (*kernel)(A...)>
    static constexpr EmulatedKernel describe(int maxThreads) {
        return {&call<kernel>, maxThreads, sizeof...(A), sizes, alignments, &emulated_shared};
    }
};
#define EMULATED_KERNEL(name, bounds)                                                                         \
    extern "C" __attribute__((visibility("default"))) const EmulatedKernel emulated_kernel_##name =           \
            EmulatedSignature<decltype(&name)>::describe<&name>(emulated_bound bounds);
#endif
