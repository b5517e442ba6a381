// Attention of the vision tower within whole frames, for heads of 80 in bf16 on Hopper; else as vis_attend.cu.
//   qkv [P, 3, H, 80], of which queries alone are read; planes [H, 2, 10, P, 8]: a head's keys and its values, in columns of 8;
//   bounds i[segments+1] in patches -> out [P, outStride], heads side by side
//
// A block takes 192 queries of one head, 64 a warpgroup, against keys in tiles of 96, which one warp more has copied to shared
// memory, as columns, some tiles ahead. Warpgroups go their own ways: the scores and the weights of one are made while others'
// products run, and while its own of the tile before do (FlashAttention-3, Shah and others 2024).
// A query's result depends on its segment alone, bit for bit.
//
// Grid: of segments * H * tiles of 192 queries of the longest segment, numbered by segment, then head, then tile, a range of blocks
// from `firstBlock` on. Dynamic shared memory: SHARED bytes.

#include "pipeline.cuh"
#include "scalar.cuh"
#include "warp.cuh"

constexpr int GROUPS = 3;
constexpr int THREADS = 128 + 128 * GROUPS;

#ifdef WGMMA

extern __shared__ __align__(128) unsigned char shared_memory[];

namespace {

constexpr int HEAD = 80;
constexpr int CHUNKS = HEAD / 8;
constexpr int KEYS = 96;
constexpr int QUERIES = 64 * GROUPS;
constexpr int COLUMN = KEYS * 16;
constexpr int QUERY_COLUMN = QUERIES * 16;
constexpr int TILE = CHUNKS * COLUMN;
constexpr int STAGE = 2 * TILE;
constexpr int STAGES = 6;
constexpr int QUERIES_AT = STAGES * STAGE;
constexpr int BARRIERS_AT = QUERIES_AT + CHUNKS * QUERY_COLUMN;
constexpr int SHARED = BARRIERS_AT + 2 * STAGES * sizeof(Mbarrier);
static_assert(SHARED == 215136, "as VisionAttention.java has it");
constexpr float LOG2E = 1.4426950408889634f;

// A multiprocessor has 65,536 registers.
constexpr int COPYING_REGISTERS = 32;
constexpr int ATTENDING_REGISTERS = 160;

// The stage that is next in turn, and the parity of its barriers' phase.
struct Turn {
    int stage = 0;
    int parity;

    __device__ __forceinline__ explicit Turn(int parity) : parity(parity) {}
    __device__ __forceinline__ void pass() {
        if (++stage == STAGES) {
            stage = 0;
            parity ^= 1;
        }
    }
    __device__ __forceinline__ Mbarrier* full() const { return reinterpret_cast<Mbarrier*>(shared_memory + BARRIERS_AT) + stage; }
    __device__ __forceinline__ Mbarrier* empty() const { return full() + STAGES; }
};

// A segment's keys and values of a head, for the warp that has them copied.
struct Planes {
    const bf16* first;
    long long plane;
    int length;

    __device__ __forceinline__ void copy() const {
        const int lane = threadIdx.x % 32;
        Turn turn(1);
        for (int start = 0; start < length; start += KEYS, turn.pass()) {
            mbarrier_wait(turn.empty(), turn.parity);
            const int bytes = min(KEYS, length - start) * 16;
            if (lane == 0) {
                mbarrier_arrive_expecting(turn.full(), 2 * CHUNKS * bytes);
            }
            __syncwarp();
            if (lane < 2 * CHUNKS) {
                bulk_copy(shared_memory + turn.stage * STAGE + lane * COLUMN, first + lane * plane + start * 8, bytes, turn.full());
            }
        }
    }
};

struct Warp {
    float score[KEYS / 8][4];
    unsigned weight[KEYS / 16][4];
    float attended[HEAD / 8][4];
    float most[2];
    float sum[2];
    float factor[2];
    float scale;
    bool grown;  // whether the largest score so far has grown, for a row of this warp's
    unsigned long long queries;

    __device__ __forceinline__ Warp(int group, float scale)
        : attended{}, most{-INFINITY, -INFINITY}, sum{}, scale(scale * LOG2E),
          queries(wgmma_matrix(shared_memory + QUERIES_AT + group * 64 * 16, QUERY_COLUMN, 128)) {}

    // score <- Q·Kᵀ, begun
    __device__ __forceinline__ void begin_scores(int stage) {
        const unsigned long long keys = wgmma_matrix(shared_memory, COLUMN, 128) + stage * (STAGE / 16);
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < HEAD / 16; k++) {
            wgmma_m64n96k16_bf16(score, queries + k * (2 * QUERY_COLUMN / 16), keys + k * (2 * COLUMN / 16), k > 0);
        }
        wgmma_commit();
    }

    // attended += weights·V, begun
    __device__ __forceinline__ void begin_values(int stage) {
        const unsigned long long values = wgmma_matrix(shared_memory + TILE, 128, COLUMN) + stage * (STAGE / 16);
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) {
            wgmma_m64n80k16_bf16_trans(attended, weight[k], values + k * (256 / 16), true);
        }
        wgmma_commit();
    }

    template <int BEGUN_SINCE>
    __device__ __forceinline__ void await_scores() {
        wgmma_wait<BEGUN_SINCE>();
        wgmma_settle(score);
    }

    // Scores become weights, the first `visible` of a row; `factor` is what brings the sums so far to the same measure.
    __device__ __forceinline__ void weigh(int visible) {
        if (visible < KEYS) {
            hide(visible - threadIdx.x % 4 * 2);
        }
        float now[2];
        float total[2][2] = {};
#pragma unroll
        for (int half = 0; half < 2; half++) {
            now[half] = most[half];
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
                now[half] = fmaxf(now[half], fmaxf(score[n][2 * half], score[n][2 * half + 1]));
            }
            now[half] = warp_max<4>(now[half]);
            factor[half] = ex2_approx((most[half] - now[half]) * scale);
            most[half] = now[half];
            now[half] *= scale;
        }
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                score[n][i] = ex2_approx(fmaf(score[n][i], scale, -now[i / 2]));
                total[i / 2][i % 2] += score[n][i];
            }
        }
        sum[0] = fmaf(sum[0], factor[0], total[0][0] + total[0][1]);
        sum[1] = fmaf(sum[1], factor[1], total[1][0] + total[1][1]);
        grown = __any_sync(ALL_LANES, factor[0] != 1.0f || factor[1] != 1.0f);
        wgmma_settle(score);
    }
    __device__ __forceinline__ void hide(int seen) {
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                if (8 * n + i % 2 >= seen) {
                    score[n][i] = -INFINITY;
                }
            }
        }
    }

    // Waits for the values, in the measure of the weights just made. (One wait before the branch would do, but then the compiler
    // has it before the weights are made, and nothing runs beside them.)
    __device__ __forceinline__ void await_values() {
        if (grown) {
            wgmma_wait<0>();
            wgmma_settle(attended);
#pragma unroll
            for (int n = 0; n < HEAD / 8; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    attended[n][i] *= factor[i / 2];
                }
            }
        } else {
            wgmma_wait<0>();
        }
        wgmma_settle(attended);
        wgmma_settle(weight);
    }

    // The weights as the next product's left side.
    __device__ __forceinline__ void take_weights() {
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float(&pair)[4] = score[2 * k + i / 2];
                weight[k][i] = bf16x2_bits(pair[i % 2 * 2], pair[i % 2 * 2 + 1]);
            }
        }
    }

    __device__ __forceinline__ void attend(int length) {
        Turn turn(0);
        mbarrier_wait(turn.full(), turn.parity);
        begin_scores(turn.stage);
        await_scores<0>();
        weigh(length);
        take_weights();
        for (int start = KEYS; start < length; start += KEYS) {
            const Turn before = turn;
            turn.pass();
            mbarrier_wait(turn.full(), turn.parity);
            begin_scores(turn.stage);
            begin_values(before.stage);
            await_scores<1>();
            weigh(length - start);
            await_values();
            if (threadIdx.x % 32 == 0) {
                mbarrier_arrive(before.empty());
            }
            take_weights();
        }
        begin_values(turn.stage);
        wgmma_wait<0>();
        wgmma_settle(attended);
    }

    // @param out of the first of this thread's two rows, of which `there` are to be written
    __device__ __forceinline__ void store(bf16* out, int outStride, int there) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const float factor = 1.0f / warp_sum<4>(sum[half]);
            if (8 * half < there) {
                bf16* to = out + 8LL * half * outStride + threadIdx.x % 4 * 2;
#pragma unroll
                for (int n = 0; n < HEAD / 8; n++) {
                    *reinterpret_cast<unsigned*>(to + 8 * n) =
                            bf16x2_bits(attended[n][2 * half] * factor, attended[n][2 * half + 1] * factor);
                }
            }
        }
    }
};

// The block's queries, as columns; behind the segment's end its last one again.
__device__ __forceinline__ void load_queries(const bf16* rows, long long stride, int first, int length) {
    const int row = threadIdx.x / 2;
    const int half = threadIdx.x % 2;
    if (row < QUERIES) {
        const bf16* from = rows + min(first + row, length - 1) * stride + half * 8;
        unsigned char* to = shared_memory + QUERIES_AT + half * QUERY_COLUMN + row * 16;
#pragma unroll
        for (int pair = 0; pair < CHUNKS / 2; pair++) {
            Pack<bf16>::load(from + 16 * pair).store(reinterpret_cast<bf16*>(to + 2 * pair * QUERY_COLUMN));
        }
    }
}

// Behind the segment's end weights are zeros, but a product with what lies there may be no number: zeros, unless a whole tile
// will have been there.
__device__ __forceinline__ void clear_last_tile(int length) {
    if (length % KEYS != 0 && length < STAGES * KEYS) {
        unsigned char* values = shared_memory + length / KEYS * STAGE + TILE;
        for (int i = threadIdx.x * 16; i < TILE; i += THREADS * 16) {
            *reinterpret_cast<uint4*>(values + i) = make_uint4(0, 0, 0, 0);
        }
    }
}

__device__ __forceinline__ void attend(
        const bf16* qkv, const bf16* planes, int patches, const int* bounds, int firstBlock, int heads, int tiles, float scale,
        int outStride, bf16* out) {
    const int block = firstBlock + blockIdx.x;
    const int head = block / tiles % heads;
    const int segment = block / tiles / heads;
    const int start = bounds[segment];
    const int length = bounds[segment + 1] - start;
    const int first = block % tiles * QUERIES;
    if (first >= length) {
        return;
    }
    const long long stride = 3LL * heads * HEAD;
    load_queries(qkv + start * stride + head * HEAD, stride, first, length);
    clear_last_tile(length);
    wgmma_shared_fence();
    if (threadIdx.x == 0) {
        for (Turn turn(0); turn.parity == 0; turn.pass()) {
            mbarrier_init(turn.full(), 1);
            mbarrier_init(turn.empty(), THREADS / 32 - 4);
        }
        mbarrier_init_fence();
    }
    __syncthreads();
    if (threadIdx.x < 128) {
        give_registers<COPYING_REGISTERS>();
        if (threadIdx.x < 32) {
            const long long plane = patches * 8LL;
            Planes{planes + 2 * CHUNKS * plane * head + start * 8LL, plane, length}.copy();
        }
    } else {
        take_registers<ATTENDING_REGISTERS>();
        const int group = __shfl_sync(ALL_LANES, threadIdx.x / 128 - 1, 0);  // the compiler sees that a warp has but one
        Warp warp(group, scale);
        warp.attend(length);
        const int row = first + (threadIdx.x - 128) / 32 * 16 + threadIdx.x % 32 / 4;
        warp.store(out + (long long)(start + row) * outStride + head * HEAD, outStride, length - row);
    }
}

}  // namespace

#endif

extern "C" __global__ void __launch_bounds__(THREADS, 1) vis_attend_hopper_80_bf16(
        const bf16* qkv, const bf16* planes, int patches, const int* bounds, int firstBlock, int heads, int tiles, float scale,
        int outStride, bf16* out) {
#ifdef WGMMA
    attend(qkv, planes, patches, bounds, firstBlock, heads, tiles, scale, outStride, out);
#endif
}
