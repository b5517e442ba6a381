// Products of few tokens with a large matrix, x[N, in] · W[out, in]ᵀ with N at most 8 or 16, fp32 sums: for decoding, where the
// time is that of reading W once. x bf16[N, xStride]; W bf16[out, in], in a multiple of 64.
//
//   skinny_store  -> y bf16[N, yStride]
//   skinny_float  -> y f32[N, yStride]
//   skinny_add    -> y bf16[N, yStride] += the product
//   skinny_silu   -> y bf16[N, yStride], columns 0 to out/2 - 1: silu(the product's first half) * its second half
//   skinny_rope   -> q bf16[N, Hq, hd]; cache bf16[block, 2, Hk, 16, hd]: what qkv_rope.cu makes of the product, which here is not
//                    rounded before; bias f32[(Hq+2Hk)*hd]; cos, sin f32[N, hd/2]; slots i64[N]; hd a multiple of 32
//
// W is the A operand of mma.m16n8k16, the tokens are n. Lane (g, t) of a warp reads 16 bytes of rows g and g + 8 straight into
// registers: columns 8t to 8t + 7, of which one step of the mma takes the first four as its columns 2t, 2t + 1, 2t + 8, 2t + 9 and the
// next the others, and so for x: a sum does not mind the order of its columns, and nothing passes through shared memory. A block's
// WARPS warps take chunks of 64 columns in turn, each reading the next while it multiplies this one. An item is a tile of 32 rows and
// one of `pieces` pieces of the columns. Sums are joined warp by warp, then piece by piece by the last block to finish a tile:
// always in this order. Scratch where pieces > 1: partial f32[items, 8 or 16, 32]; tickets i[tiles], zero before and after.

#include "skinny.cuh"

namespace {

constexpr int WARPS = 8;
constexpr int THREADS = 32 * WARPS;
constexpr int ROWS = 32;
constexpr int COLUMNS = 64;
constexpr int PREFETCHED = 2;  // chunks of a warp that the kernels ahead give time to fetch
constexpr int SUM_STRIDE = ROWS + 4;  // floats; the lanes of a warp meet all banks once

enum Epilogue { STORE, FLOAT, ADD, SILU, ROPE };

struct Matrix {
    const bf16* values;
    int out, in, pieces;
    int head;  // rows of a head, for ROPE

    __device__ int tiles() const { return (out + ROWS - 1) / ROWS; }
    __device__ int items() const { return tiles() * pieces; }
    __device__ int firstChunk(int piece) const { return static_cast<int>(static_cast<long long>(piece) * (in / COLUMNS) / pieces); }
};

// Where a tile's first and second 16 rows start: neighbours, or rows of two halves that belong together, of the whole product for
// SILU, of each head for ROPE.
template <Epilogue E>
__device__ __forceinline__ int first_row(const Matrix& matrix, int tile, int half) {
    if constexpr (E == SILU || E == ROPE) {
        int size = (E == SILU ? matrix.out : matrix.head) / 2;
        int tilesOfHead = (size + ROWS / 2 - 1) / (ROWS / 2);
        return tile / tilesOfHead * (2 * size) + half * size + tile % tilesOfHead * (ROWS / 2);
    } else {
        return tile * ROWS + half * (ROWS / 2);
    }
}

// Goes through the chunks that a warp takes, item after item.
template <Epilogue E>
struct Cursor {
    const Matrix& matrix;
    int items, item, chunk, end;
    int rows[2];  // where the tile's halves start

    __device__ Cursor(const Matrix& matrix) : matrix(matrix), items(matrix.items()), item(blockIdx.x) { enter(); }

    __device__ bool done() const { return item >= items; }

    __device__ __forceinline__ void enter() {
        for (; item < items; item += gridDim.x) {
            int tile = item / matrix.pieces;
            int piece = item - tile * matrix.pieces;
            chunk = matrix.firstChunk(piece) + static_cast<int>(threadIdx.x) / 32;
            end = matrix.firstChunk(piece + 1);
            if (chunk < end) {
                rows[0] = first_row<E>(matrix, tile, 0);
                rows[1] = first_row<E>(matrix, tile, 1);
                return;
            }
        }
    }

    __device__ __forceinline__ void advance() {
        chunk += WARPS;
        if (chunk >= end) {
            item += gridDim.x;
            enter();
        }
    }
};

// Asks the cache in front of memory for the chunks behind the cursor's: a line is a row of a chunk, and each lane's.
template <Epilogue E>
__device__ void prefetch(const Matrix& matrix, Cursor<E> at) {
    int lane = threadIdx.x % 32;
    for (int i = 0; i < PREFETCHED && !at.done(); i++) {
        at.advance();
        if (!at.done()) {
            int row = min((lane < 16 ? at.rows[0] : at.rows[1]) + lane % 16, matrix.out - 1);
            prefetch_l2(matrix.values + static_cast<long long>(row) * matrix.in + at.chunk * COLUMNS);
        }
    }
}

// 32 rows of W and all tokens, 64 columns.
template <int NT>
struct Chunk {
    uint4 w[2][2][2];  // half of the tile, rows g and g + 8, half of the columns
    uint4 x[NT][2];

    template <Epilogue E>
    __device__ __forceinline__ void load_matrix(const Matrix& matrix, const Cursor<E>& at) {
        int lane = threadIdx.x % 32;
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int upper = 0; upper < 2; upper++) {
                int row = min(at.rows[half] + upper * 8 + lane / 4, matrix.out - 1);
                const bf16* from = matrix.values + static_cast<long long>(row) * matrix.in + at.chunk * COLUMNS + lane % 4 * 8;
                w[half][upper][0] = ld_global_nc_l2(from);
                w[half][upper][1] = ld_global_nc_l2(from + 32);
            }
        }
    }

    __device__ __forceinline__ void load_tokens(const bf16* tokens, int numTokens, int stride, int firstColumn) {
        int lane = threadIdx.x % 32;
#pragma unroll
        for (int n = 0; n < NT; n++) {
            int token = n * 8 + lane / 4;
            const bf16* from = tokens + static_cast<long long>(token) * stride + firstColumn + lane % 4 * 8;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                x[n][half] = token < numTokens ? *reinterpret_cast<const uint4*>(from + 32 * half) : make_uint4(0, 0, 0, 0);
            }
        }
    }

    __device__ __forceinline__ void multiply(float (&sum)[2][NT][4]) const {
#pragma unroll
        for (int columns = 0; columns < 2; columns++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const uint4& g = w[half][0][columns];
                const uint4& g8 = w[half][1][columns];
                const unsigned first[4] = {g.x, g8.x, g.y, g8.y};
                const unsigned second[4] = {g.z, g8.z, g.w, g8.w};
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    const unsigned low[2] = {x[n][columns].x, x[n][columns].y};
                    const unsigned high[2] = {x[n][columns].z, x[n][columns].w};
                    mma_m16n8k16_bf16(sum[half][n], first, low);
                    mma_m16n8k16_bf16(sum[half][n], second, high);
                }
            }
        }
    }
};

// What becomes of the product of a tile's row (this lane's) and a token (this warp's, maybe none). Called by whole warps.
template <Epilogue E, typename Y>
struct Into {
    Y* y;
    int yStride;

    __device__ __forceinline__ void operator()(const Matrix& matrix, int tile, float value, int token, bool valid) const {
        int row = threadIdx.x % 32;
        Y* to = y + static_cast<long long>(token) * yStride;
        if constexpr (E == SILU) {
            float up = __shfl_down_sync(0xffffffffu, value, ROWS / 2);
            int at = tile * (ROWS / 2) + row;
            if (valid && row < ROWS / 2 && at < matrix.out / 2) {
                to[at] = from_float<Y>(silu_mul(value, up));
            }
        } else {
            int at = tile * ROWS + row;
            if (valid && at < matrix.out) {
                to[at] = from_float<Y>(E == ADD ? to_float(to[at]) + value : value);
            }
        }
    }
};

struct IntoHeads {
    Heads heads;

    __device__ __forceinline__ void operator()(const Matrix& matrix, int tile, float value, int token, bool valid) const {
        int lane = threadIdx.x % 32;
        int at = first_row<ROPE>(matrix, tile, lane / 16) + lane % 16;
        value += heads.bias[at];
        float other = __shfl_xor_sync(0xffffffffu, value, 16);
        if (!valid) {
            return;
        }
        int half = matrix.head / 2;
        int head = at / matrix.head;
        int dim = at % matrix.head;
        if (heads.is_turned(head)) {
            float cosine = heads.cosines[token * half + dim % half];
            float sine = heads.sines[token * half + dim % half];
            value = lane < 16 ? value * cosine - other * sine : value * cosine + other * sine;
        }
        heads.place(token, head)[dim] = from_float<bf16>(value);
    }
};

template <Epilogue E, int NT, typename Finish>
__device__ void multiply(
        const Matrix& matrix, const bf16* x, int numTokens, int xStride, float* partial, int* tickets, const Finish& finish) {
    __shared__ float sums[2][WARPS][NT * 8][SUM_STRIDE];
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    int parity = 0;

    Cursor<E> ahead(matrix);
    Chunk<NT> next = {};
    if (!ahead.done()) {
        next.load_matrix(matrix, ahead);
        prefetch(matrix, ahead);
    }
    griddepcontrol_wait();  // W was there before the kernels that make x
    if (!ahead.done()) {
        next.load_tokens(x, numTokens, xStride, ahead.chunk * COLUMNS);
    }
    for (int item = blockIdx.x; item < matrix.items(); item += gridDim.x) {
        float sum[2][NT][4] = {};
        while (!ahead.done() && ahead.item == item) {
            Chunk<NT> chunk = next;
            ahead.advance();
            if (!ahead.done()) {
                next.load_matrix(matrix, ahead);
                next.load_tokens(x, numTokens, xStride, ahead.chunk * COLUMNS);
            }
            chunk.multiply(sum);
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int n = 0; n < NT; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    sums[parity][warp][n * 8 + lane % 4 * 2 + i % 2][half * 16 + lane / 4 + i / 2 * 8] = sum[half][n][i];
                }
            }
        }
        __syncthreads();  // the other parity's sums have been read, too, when all are here
        float value[NT];
#pragma unroll
        for (int n = 0; n < NT; n++) {
            value[n] = 0;
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                value[n] += sums[parity][w][n * 8 + warp][lane];
            }
        }
        parity ^= 1;
        int tile = item / matrix.pieces;
        if (matrix.pieces > 1) {
            float* mine = partial + static_cast<long long>(item) * (NT * 8 * ROWS) + threadIdx.x;
#pragma unroll
            for (int n = 0; n < NT; n++) {
                __stcg(mine + n * THREADS, value[n]);
            }
            __threadfence();
            __syncthreads();
            int last = 0;
            if (threadIdx.x == 0) {
                last = atomicAdd(&tickets[tile], 1) == matrix.pieces - 1;
            }
            if (!__syncthreads_or(last)) {
                continue;
            }
            __threadfence();
            if (threadIdx.x == 0) {
                tickets[tile] = 0;
            }
            const float* first = partial + static_cast<long long>(tile) * matrix.pieces * (NT * 8 * ROWS) + threadIdx.x;
#pragma unroll
            for (int n = 0; n < NT; n++) {
                value[n] = 0;
                for (int piece = 0; piece < matrix.pieces; piece++) {
                    value[n] += __ldcg(first + piece * (NT * 8 * ROWS) + n * THREADS);
                }
            }
        }
#pragma unroll
        for (int n = 0; n < NT; n++) {
            finish(matrix, tile, value[n], n * 8 + warp, n * 8 + warp < numTokens);
        }
    }
}

}  // namespace

#define SKINNY(NAME, EPILOGUE, NT, Y) \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) NAME( \
            const bf16* w, int out, int in, int pieces, const bf16* x, int numTokens, int xStride, float* partial, int* tickets, \
            int yStride, Y* y) { \
        multiply<EPILOGUE, NT>(Matrix{w, out, in, pieces, 0}, x, numTokens, xStride, partial, tickets, Into<EPILOGUE, Y>{y, yStride}); \
    }
#define SKINNY_ROPE(NAME, NT) \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) NAME( \
            const bf16* w, int out, int in, int pieces, const bf16* x, int numTokens, int xStride, float* partial, int* tickets, \
            const float* bias, const float* cosines, const float* sines, const long long* slots, int queryHeads, int keyHeads, \
            int headDim, bf16* q, bf16* cache) { \
        multiply<ROPE, NT>(Matrix{w, out, in, pieces, headDim}, x, numTokens, xStride, partial, tickets, \
                IntoHeads{{bias, cosines, sines, slots, queryHeads, keyHeads, headDim, q, cache}}); \
    }

SKINNY(skinny_store_8, STORE, 1, bf16)
SKINNY(skinny_store_16, STORE, 2, bf16)
SKINNY(skinny_float_8, FLOAT, 1, float)
SKINNY(skinny_float_16, FLOAT, 2, float)
SKINNY(skinny_add_8, ADD, 1, bf16)
SKINNY(skinny_add_16, ADD, 2, bf16)
SKINNY(skinny_silu_8, SILU, 1, bf16)
SKINNY(skinny_silu_16, SILU, 2, bf16)
SKINNY_ROPE(skinny_rope_8, 1)
SKINNY_ROPE(skinny_rope_16, 2)
