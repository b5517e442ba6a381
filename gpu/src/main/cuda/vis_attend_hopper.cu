// Attention of the vision tower within whole frames, for heads of 80 in bf16 on Hopper; shapes as in vis_attend.cu.
//   qkv [P, 3, H, 80]; bounds i[segments+1] in patches -> out [P, outStride], heads side by side
//
// A block takes 192 queries of one head, 64 a warpgroup, against keys in tiles of 96. A warpgroup begins a tile's scores and the
// values of the tile before together, and weighs scores while the others' products run (FlashAttention-3, Shah and others 2024).
// A query's result depends on its segment alone, bit for bit.
//
// Grid: of segments * H * tiles of 192 queries of the longest segment, numbered by segment, then head, then tile, a range of blocks
// from `firstBlock` on. Dynamic shared
// memory: 96,000 bytes, three tiles of keys and values, each a matrix of columns of 16 bytes that lie COLUMN bytes apart.

#include "scalar.cuh"
#include "warp.cuh"
#include "wgmma.cuh"

constexpr int THREADS = 384;

#ifdef WGMMA

extern __shared__ __align__(128) unsigned char shared_memory[];

namespace {

constexpr int HEAD = 80;
constexpr int CHUNKS = HEAD / 8;
constexpr int KEYS = 96;
constexpr int QUERIES = THREADS / 128 * 64;
constexpr int COLUMN = KEYS * 16 + 64;  // two columns are written at once: no bank twice
constexpr int TILE = CHUNKS * COLUMN;
constexpr int STAGE = 2 * TILE;
constexpr int STAGES = 3;  // the tile whose values are met, the one whose scores are made, the one that is on its way
constexpr float LOG2E = 1.4426950408889634f;

__device__ __forceinline__ unsigned char* stage_of(int start) { return shared_memory + start / KEYS % STAGES * STAGE; }

// A tile <- keys and values of the patches from `start` on; zeros behind the segment's end.
__device__ __forceinline__ void load(const bf16* keys, long long stride, long long part, int start, int length) {
    unsigned char* const stage = stage_of(start);
#pragma unroll
    for (int i = 0; i < KEYS * CHUNKS; i += THREADS) {
        const int at = i + threadIdx.x;
        if (at < KEYS * CHUNKS) {
            // two neighbouring chunks, 32 bytes, of each key
            const int pair = at / (2 * KEYS);
            const int key = at % (2 * KEYS) / 2;
            const int chunk = 2 * pair + at % 2;
            const bool there = start + key < length;
            const bf16* from = keys + (there ? (start + key) * stride : 0) + chunk * 8;
            unsigned char* to = stage + chunk * COLUMN + key * 16;
            cp_async16(to, from, there);
            cp_async16(to + TILE, from + part, there);
        }
    }
    cp_async_commit();
}

// Waits for the tile that is on its way, and for all warps to have done with the oldest.
__device__ __forceinline__ void arrive() {
    cp_async_wait<0>();
    wgmma_shared_fence();
    __syncthreads();
}

struct Warp {
    unsigned query[HEAD / 16][4];
    unsigned weight[KEYS / 16][4];
    float score[KEYS / 8][4];
    float attended[HEAD / 8][4];
    float most[2];
    float sum[2];
    float factor[2];
    float scale;

    // score <- Q·Kᵀ, begun
    __device__ __forceinline__ void begin_scores(const unsigned char* stage) {
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < HEAD / 16; k++) {
            wgmma_m64n96k16_bf16(score, query[k], wgmma_matrix(stage + 2 * k * COLUMN, COLUMN, 128), k > 0);
        }
        wgmma_commit();
    }

    // attended += weights·V, begun
    __device__ __forceinline__ void begin_values(const unsigned char* stage) {
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) {
            wgmma_m64n80k16_bf16_trans(attended, weight[k], wgmma_matrix(stage + TILE + k * 256, 128, COLUMN), true);
        }
        wgmma_commit();
    }

    template <int BEGUN_SINCE>
    __device__ __forceinline__ void await_scores() {
        wgmma_wait<BEGUN_SINCE>();
        wgmma_settle(score);
    }
    __device__ __forceinline__ void await_values() {
        wgmma_wait<0>();
        wgmma_settle(attended);
        wgmma_settle(weight);
    }

    // Scores become weights; `factor` is what brings the sums so far to the same measure.
    __device__ __forceinline__ void weigh(int visible) {
        const int seen = visible - threadIdx.x % 4 * 2;
        if (visible < KEYS) {
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
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float now = most[half];
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
                now = fmaxf(now, fmaxf(score[n][2 * half], score[n][2 * half + 1]));
            }
            now = warp_max<4>(now);
            factor[half] = ex2_approx((most[half] - now) * scale);
            most[half] = now;
            const float shift = now * scale;
            float total = 0.0f;
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
                for (int i = 2 * half; i < 2 * half + 2; i++) {
                    score[n][i] = ex2_approx(fmaf(score[n][i], scale, -shift));
                    total += score[n][i];
                }
            }
            sum[half] = sum[half] * factor[half] + total;
        }
    }

    // The weights as the next product's left side, and the sums so far in their measure.
    __device__ __forceinline__ void take_weights() {
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float(&pair)[4] = score[2 * k + i / 2];
                weight[k][i] = bf16x2_bits(pair[i % 2 * 2], pair[i % 2 * 2 + 1]);
            }
        }
        if (__any_sync(ALL_LANES, factor[0] != 1.0f || factor[1] != 1.0f)) {
#pragma unroll
            for (int n = 0; n < HEAD / 8; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    attended[n][i] *= factor[i / 2];
                }
            }
        }
    }
};

__device__ __forceinline__ void attend(
        const bf16* qkv, const int* bounds, int firstBlock, int heads, int tiles, float scale, int outStride, bf16* out) {
    const int block = firstBlock + blockIdx.x;
    const int head = block / tiles % heads;
    const int segment = block / tiles / heads;
    const int start = bounds[segment];
    const int length = bounds[segment + 1] - start;
    const int lane = threadIdx.x % 32;
    const int first = block % tiles * QUERIES;
    if (first >= length) {
        return;
    }
    const long long part = heads * HEAD;
    const long long stride = 3 * part;
    const bf16* queries = qkv + start * stride + head * HEAD;
    const bf16* keys = queries + part;
    load(keys, stride, part, 0, length);

    Warp warp;
    warp.scale = scale * LOG2E;
    const int row = first + threadIdx.x / 32 * 16 + lane / 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const bf16* from = queries + (long long)min(row + i % 2 * 8, length - 1) * stride + lane % 4 * 2 + i / 2 * 8;
#pragma unroll
        for (int k = 0; k < HEAD / 16; k++) {
            warp.query[k][i] = *reinterpret_cast<const unsigned*>(from + 16 * k);
        }
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
        warp.most[half] = -INFINITY;
        warp.sum[half] = 0.0f;
    }
#pragma unroll
    for (int n = 0; n < HEAD / 8; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            warp.attended[n][i] = 0.0f;
        }
    }

    arrive();
    if (KEYS < length) {
        load(keys, stride, part, KEYS, length);
    }
    warp.begin_scores(stage_of(0));
    warp.await_scores<0>();
    warp.weigh(length);
    warp.take_weights();
    int tile = KEYS;
    for (; tile < length; tile += KEYS) {
        arrive();
        if (tile + KEYS < length) {
            load(keys, stride, part, tile + KEYS, length);
        }
        warp.begin_scores(stage_of(tile));
        warp.begin_values(stage_of(tile - KEYS));
        warp.await_scores<1>();
        warp.weigh(length - tile);
        warp.await_values();
        warp.take_weights();
    }
    warp.begin_values(stage_of(tile - KEYS));
    warp.await_values();

#pragma unroll
    for (int half = 0; half < 2; half++) {
        const float factor = 1.0f / warp_sum<4>(warp.sum[half]);
        const int at = row + 8 * half;
        if (at < length) {
            bf16* to = out + (long long)(start + at) * outStride + head * HEAD + lane % 4 * 2;
#pragma unroll
            for (int n = 0; n < HEAD / 8; n++) {
                *reinterpret_cast<unsigned*>(to + 8 * n) =
                        bf16x2_bits(warp.attended[n][2 * half] * factor, warp.attended[n][2 * half + 1] * factor);
            }
        }
    }
}

}  // namespace

#endif

extern "C" __global__ void __launch_bounds__(THREADS, 1) vis_attend_hopper_80_bf16(
        const bf16* qkv, const int* bounds, int firstBlock, int heads, int tiles, float scale, int outStride, bf16* out) {
#ifdef WGMMA
    attend(qkv, bounds, firstBlock, heads, tiles, scale, outStride, out);
#endif
}
