// x[R] <- x + the sum of all ranks' partial results, as all_reduce.cu adds them; out[R] <- rms_norm.cu's of x, to the same bits, if there
// is a weight. For a few rows: each rank writes its own into the others' inboxes, which takes one way between them.
//   partial, x, out c[R, stride], stride a multiple of 8 and at most KEPT * THREADS packs; weight f32[width] or null
// Grid: a block a row, at most MOST_MEETING.

#include "floats.cuh"
#include "rank_sum.cuh"
#include "warp.cuh"

namespace {

constexpr int THREADS = 256;
constexpr int KEPT = 4;
static_assert(MOST_PUSHED == MOST_MEETING * KEPT * THREADS, "a place in the inbox for each pack");

// A thread's packs of its block's row.
template <typename C>
struct Row {
    static constexpr int SIZE = Pack<C>::SIZE;
    int stride;
    Pack<C> packs[KEPT];

    __device__ __forceinline__ explicit Row(int stride) : stride(stride) {}
    static __device__ __forceinline__ int start(int k) { return (threadIdx.x + k * THREADS) * SIZE; }
    __device__ __forceinline__ bool has(int k) const { return start(k) < stride; }
    __device__ __forceinline__ C* at(C* rows, int k) const { return rows + blockIdx.x * (long long)stride + start(k); }

    __device__ __forceinline__ void load(const C* rows) {
#pragma unroll
        for (int k = 0; k < KEPT; k++) {
            packs[k] = has(k) ? Pack<C>::load(at(const_cast<C*>(rows), k)) : Pack<C>::zero();
        }
    }
};

// Where a rank finds this thread's pack of another.
__device__ __forceinline__ Letter& letter(const Ranks& ranks, int of, int from, unsigned epoch, int k) {
    return ranks.inbox(of, from, epoch)[(blockIdx.x * KEPT + k) * THREADS + threadIdx.x];
}

template <typename C>
__device__ void all_reduce(const Ranks& ranks, const C* partial, Row<C>& row, C* x) {
    const unsigned epoch = ranks.begin();
    Row<C> own(row.stride);
    own.load(partial);
    row.load(x);
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        for (int r = 0; r < ranks.count && own.has(k); r++) {
            if (r != ranks.rank) {
                letter(ranks, r, ranks.rank, epoch, k).write(own.packs[k].words, epoch);
            }
        }
    }
    __syncthreads();  // all is on its way before anyone waits
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (own.has(k)) {
            Pack<C> parts[MOST_RANKS];
#pragma unroll
            for (int r = 0; r < MOST_RANKS; r++) {
                parts[r] = own.packs[k];
                if (r < ranks.count && r != ranks.rank) {
                    const Letter& from = letter(ranks, ranks.rank, r, epoch, k);
                    ranks.wait_until([&] { return from.read(parts[r].words, epoch); });
                }
            }
            row.packs[k] = rank_sum(parts, ranks.count, row.packs[k]);
            row.packs[k].store(row.at(x, k));
        }
    }
    ranks.end(epoch);
}

// The values of a pack, zeros behind `width`.
template <typename C, int SIZE = Pack<C>::SIZE>
__device__ __forceinline__ void unpack(const Pack<C>& pack, int start, int width, float (&value)[SIZE]) {
    pack.to_floats(value);
#pragma unroll
    for (int i = 0; i < SIZE; i++) {
        value[i] = start + i < width ? value[i] : 0.0f;
    }
}

template <typename C>
__device__ void all_reduce_norm(
        const Ranks& ranks, const C* partial, C* x, const float* weight, float epsilon, int width, int stride, C* out) {
    constexpr int SIZE = Pack<C>::SIZE;
    Row<C> row(stride);
    float w[KEPT][SIZE];
#pragma unroll
    for (int k = 0; k < KEPT && weight != nullptr; k++) {
        load_floats(weight + row.start(k), w[k], width - row.start(k));
    }
    griddepcontrol_wait();  // a weight is older than the kernels ahead
    all_reduce(ranks, partial, row, x);
    if (weight == nullptr) {
        return;
    }
    float value[SIZE], sum = 0.0f;
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        unpack(row.packs[k], row.start(k), width, value);
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            sum = fmaf(value[i], value[i], sum);
        }
    }
    sum = block_sum<THREADS>(sum);
    const float scale = 1.0f / sqrtf(sum / (float)width + epsilon);
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (row.has(k)) {
            unpack(row.packs[k], row.start(k), width, value);
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                value[i] = value[i] * scale * w[k][i];
            }
            Pack<C>::from_floats(value).store(row.at(out, k));
        }
    }
}

}  // namespace

#define ALL_REDUCE_NORM(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            Shared* own, int rank, int count, long long patience, unsigned* stop, const C* partial, C* x, const float* weight, \
            float epsilon, int width, int stride, C* out) { \
        all_reduce_norm<C>(Ranks{own, rank, count, patience, stop}, partial, x, weight, epsilon, width, stride, out); \
    }

ALL_REDUCE_NORM(all_reduce_norm_bf16, bf16)
ALL_REDUCE_NORM(all_reduce_norm_f32, float)
