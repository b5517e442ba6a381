// Gates of up to 64 tokens on Hopper, in about the time of reading the weights once: f[N, F] <- silu(x·Gᵀ) * (x·Uᵀ), fp32 sums.
//   W bf16[2F, in], gates' rows G, then ups' U; x bf16[N, xStride] -> f bf16[N, F]; F a multiple of 8, in of 64
//
// The tokens are the 64 rows of wgmma and come from registers, W its columns, from shared memory. A block has a multiprocessor to
// itself, and tiles of 72 gates and 72 ups. One of its warpgroups copies chunks of 64 columns of a tile's rows and of x into a ring of
// stages, most of which are always on their way: that hides the latency of memory. The others multiply; the fence before wgmma
// waits for all copies of the thread that calls it, so they must not copy (that took 2.5 times as long on an H200). In shared memory,
// as in a tile, 8 gates and their 8 ups are neighbours, so that the lane with a token's gates has their ups.
//
// Grid: at most a block a tile. Dynamic shared memory: 159,744 bytes, 6 stages of rows[144, 64] and x[64, 64].

#include "skinny.cuh"
#include "wgmma.cuh"

namespace {

constexpr int MULTIPLYING = 3;  // warpgroups
constexpr int COPYING = 128;    // threads
constexpr int THREADS = 128 * MULTIPLYING + COPYING;

}  // namespace

#ifdef WGMMA

extern __shared__ __align__(1024) unsigned char shared_memory[];

namespace {

constexpr int TOKENS = 64;
constexpr int COLUMNS = 64;
constexpr int PACKS = COLUMNS / 8;  // of 16 bytes
constexpr int PAIRS = 3;            // of 8 gates and 8 ups, of a warpgroup
constexpr int PAIRS_OF_TILE = PAIRS * MULTIPLYING;
constexpr int WEIGHTS = PAIRS_OF_TILE * 16 * COLUMNS * 2;  // bytes
constexpr int STAGE = WEIGHTS + TOKENS * COLUMNS * 2;
constexpr int STAGES = 6;

struct Gates {
    const bf16* w;
    int width, in;  // F

    __device__ __forceinline__ int tiles() const { return (width / 8 + PAIRS_OF_TILE - 1) / PAIRS_OF_TILE; }
    __device__ __forceinline__ bool has(int pair) const { return pair < width / 8; }
};

// Goes through a block's chunks, tile after tile.
struct Cursor {
    int tile, chunk, stage;

    __device__ __forceinline__ void advance(const Gates& gates) {
        stage = stage + 1 == STAGES ? 0 : stage + 1;
        if (++chunk == gates.in / COLUMNS) {
            chunk = 0;
            tile += gridDim.x;
        }
    }
};

// Where a pack of a row of 64 values lies: as wgmma wants it, and so that 8 packs of a row, or of 8 rows, meet all banks once.
__device__ __forceinline__ int swizzled(int row, int pack) { return row * 128 + (pack ^ row % 8) * 16; }

// Copies chunks to their stages, 16 rows at once: a pair, or 16 tokens.
struct Feed {
    static constexpr int AT_ONCE = COPYING / PACKS;

    const Gates& gates;
    const bf16* x;
    int numTokens, xStride;
    int row, pack;  // this thread's

    __device__ __forceinline__ Feed(const Gates& gates, const bf16* x, int numTokens, int xStride)
            : gates(gates), x(x), numTokens(numTokens), xStride(xStride), row(threadIdx.x % COPYING / PACKS), pack(threadIdx.x % PACKS) {}

    __device__ __forceinline__ void copy_weights(const Cursor& at) const {
        if (at.tile < gates.tiles()) {
            const int first = at.tile * PAIRS_OF_TILE;
            const long long start = static_cast<long long>(row / 8) * gates.width + first * 8 + row % 8;
            const bf16* from = gates.w + start * gates.in + at.chunk * COLUMNS + pack * 8;
            unsigned char* to = shared_memory + at.stage * STAGE + swizzled(row, pack);
#pragma unroll
            for (int pair = 0; pair < PAIRS_OF_TILE; pair++) {
                cp_async16(to + pair * AT_ONCE * 128, from + pair * 8LL * gates.in, gates.has(first + pair));
            }
        }
    }

    __device__ __forceinline__ void copy_tokens(const Cursor& at) const {
        if (at.tile < gates.tiles()) {
            const bf16* from = x + at.chunk * COLUMNS + pack * 8;
            unsigned char* to = shared_memory + at.stage * STAGE + WEIGHTS + swizzled(row, pack);
#pragma unroll
            for (int i = 0; i < TOKENS / AT_ONCE; i++) {
                const int token = row + i * AT_ONCE;
                cp_async16(to + i * AT_ONCE * 128, from + static_cast<long long>(token) * xStride, token < numTokens);
            }
        }
        cp_async_commit();
    }
};

// sum += x·Wᵀ over the columns of a stage, of this warp's 16 tokens and its warpgroup's rows.
__device__ __forceinline__ void multiply_chunk(float (&sum)[2 * PAIRS][4], int stage) {
    const unsigned char* w = shared_memory + stage * STAGE + threadIdx.x / 128 * (PAIRS * 16 * 128);
    const unsigned char* x = shared_memory + stage * STAGE + WEIGHTS;
    const int lane = threadIdx.x % 32;
    const int token = threadIdx.x % 128 / 32 * 16 + lane % 16;
    unsigned tokens[COLUMNS / 16][4];
#pragma unroll
    for (int k = 0; k < COLUMNS / 16; k++) {
        ldmatrix_x4(tokens[k], x + swizzled(token, 2 * k + lane / 16));
    }
    wgmma_shared_fence();
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < COLUMNS / 16; k++) {
        wgmma_m64n48k16_bf16(sum, tokens[k], wgmma_rows_of_128(w + 32 * k), true);
    }
    wgmma_commit();
    wgmma_wait<0>();
    wgmma_settle(sum);
    wgmma_settle(tokens);
}

__device__ __forceinline__ void store(const Gates& gates, int tile, const float (&sum)[2 * PAIRS][4], int numTokens, bf16* f) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int p = 0; p < PAIRS; p++) {
        const int pair = tile * PAIRS_OF_TILE + threadIdx.x / 128 * PAIRS + p;
#pragma unroll
        for (int upper = 0; upper < 2; upper++) {
            const int token = threadIdx.x % 128 / 32 * 16 + upper * 8 + lane / 4;
            if (token < numTokens && gates.has(pair)) {
                const float* gate = sum[2 * p] + 2 * upper;
                const float* up = sum[2 * p + 1] + 2 * upper;
                bf16* to = f + static_cast<long long>(token) * gates.width + pair * 8 + lane % 4 * 2;
                *reinterpret_cast<unsigned*>(to) = bf16x2_bits(silu_mul(gate[0], up[0]), silu_mul(gate[1], up[1]));
            }
        }
    }
}

__device__ __forceinline__ void gate(const Gates& gates, const bf16* x, int numTokens, int xStride, bf16* f) {
    const bool copies = threadIdx.x >= THREADS - COPYING;
    const Feed feed(gates, x, numTokens, xStride);
    Cursor ahead = {static_cast<int>(blockIdx.x), 0, 0};
    if (copies) {
        Cursor tokens = ahead;
#pragma unroll 1
        for (int i = 0; i < STAGES - 1; i++) {
            feed.copy_weights(ahead);
            ahead.advance(gates);
        }
        griddepcontrol_wait();  // W was there before the kernels that make x
#pragma unroll 1
        for (int i = 0; i < STAGES - 1; i++) {
            feed.copy_tokens(tokens);
            tokens.advance(gates);
        }
    } else {
        griddepcontrol_wait();
    }
    int stage = 0;
    for (int tile = blockIdx.x; tile < gates.tiles(); tile += gridDim.x) {
        float sum[2 * PAIRS][4] = {};
        for (int chunk = 0; chunk < gates.in / COLUMNS; chunk++) {
            if (copies) {
                cp_async_wait<STAGES - 2>();
            }
            __syncthreads();  // the stage is there, and the one before has been used up
            if (copies) {
                feed.copy_weights(ahead);
                feed.copy_tokens(ahead);
                ahead.advance(gates);
            } else {
                multiply_chunk(sum, stage);
                stage = stage + 1 == STAGES ? 0 : stage + 1;
            }
        }
        if (!copies) {
            store(gates, tile, sum, numTokens, f);
        }
    }
}

}  // namespace

#endif

extern "C" __global__ void __launch_bounds__(THREADS, 1) gate_hopper_bf16(
        const bf16* w, int width, int in, const bf16* x, int numTokens, int xStride, bf16* f) {
#ifdef WGMMA
    gate(Gates{w, width, in}, x, numTokens, xStride, f);
#endif
}
