// What attend_decode.cu makes of a tile of 16 tokens of a key-value head of 128 dims: S = K Qᵀ and O = Vᵀ P by mma.m16n8k16, with at
// most 8 queries as n, so that keys and values are the large operands. They go straight into registers: a lane reads 16 bytes of a row,
// which are columns of two steps of the mma in an order of their own, keys as they are (a sum over dims does not mind), values in pairs
// of tokens that a byte permutation makes. Lane (g, t) is lane 4g + t.
#pragma once

#include "scalar.cuh"
#include "warp.cuh"

constexpr int HEAD = 128;
constexpr int BLOCK = 16;         // tokens of a cache block
constexpr int QUERIES = 8;
constexpr float LOWEST = -1e30f;  // below every score, and its differences are numbers

// 16 tokens of a head, of which `valid` or more count; 0: there is none.
struct Tile {
    const bf16* keys;  // the values follow the keys of all heads
    int valid;
};

// The queries of one head as B operands; columns behind the last are zero.
struct Queries {
    uint4 dims[HEAD / 32];

    __device__ __forceinline__ void load(const bf16* q, int firstToken, int firstHead, int count, int group, int queryHeads) {
        int n = threadIdx.x % 32 / 4;
        int token = firstToken + n / group;
        int head = firstHead + n % group;
        bool valid = n < count;
        const bf16* from = q + (static_cast<long long>(token) * queryHeads + head) * HEAD + threadIdx.x % 4 * 8;
#pragma unroll
        for (int i = 0; i < HEAD / 32; i++) {
            dims[i] = valid ? *reinterpret_cast<const uint4*>(from + i * 32) : make_uint4(0, 0, 0, 0);
        }
    }
};

// The keys of a tile: lane (g, t) has dims 32i + 8t to 32i + 8t + 7 of tokens g and g + 8.
struct Keys {
    uint4 rows[2][HEAD / 32];

    __device__ __forceinline__ void load(const bf16* keys) {
        const bf16* from = keys + threadIdx.x % 32 / 4 * HEAD + threadIdx.x % 4 * 8;
#pragma unroll
        for (int i = 0; i < HEAD / 32; i++) {
            rows[0][i] = ld_global_nc_l2(from + i * 32);
            rows[1][i] = ld_global_nc_l2(from + 8 * HEAD + i * 32);
        }
    }

    // score[16 tokens, 8 queries], laid out as D of an mma.
    __device__ __forceinline__ void score(const Queries& queries, float (&score)[4]) const {
        float other[4] = {0, 0, 0, 0};
#pragma unroll
        for (int j = 0; j < 4; j++) {
            score[j] = 0;
        }
#pragma unroll
        for (int i = 0; i < HEAD / 32; i++) {
            const uint4& low = rows[0][i];
            const uint4& high = rows[1][i];
            const unsigned first[4] = {low.x, high.x, low.y, high.y};
            const unsigned second[4] = {low.z, high.z, low.w, high.w};
            const unsigned firstQueries[2] = {queries.dims[i].x, queries.dims[i].y};
            const unsigned secondQueries[2] = {queries.dims[i].z, queries.dims[i].w};
            mma_m16n8k16_bf16(score, first, firstQueries);
            mma_m16n8k16_bf16(other, second, secondQueries);
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
            score[j] += other[j];
        }
    }
};

// What a stream has attended to so far: lane (g, t) holds dims 64h + 8g + 2w and the one behind of queries 2t and 2t + 1 in
// attended[4h + w].
struct State {
    float most[2], sum[2];
    float attended[HEAD / 16][4];

    __device__ __forceinline__ void reset() {
        most[0] = most[1] = LOWEST;
        sum[0] = sum[1] = 0;
#pragma unroll
        for (int i = 0; i < HEAD / 16; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                attended[i][j] = 0;
            }
        }
    }

    // Scores to weights exp2(score - most), with what came before scaled to a new largest score.
    __device__ __forceinline__ void soften(float (&score)[4]) {
#pragma unroll
        for (int c = 0; c < 2; c++) {
            float top = fmaxf(score[c], score[c + 2]);
            top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 4));
            top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 8));
            top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 16));
            top = fmaxf(top, most[c]);
            float rest = ex2_approx(most[c] - top);
            most[c] = top;
            score[c] = ex2_approx(score[c] - top);
            score[c + 2] = ex2_approx(score[c + 2] - top);
            sum[c] = fmaf(sum[c], rest, score[c] + score[c + 2]);
#pragma unroll
            for (int i = 0; i < HEAD / 16; i++) {
                attended[i][c] *= rest;
                attended[i][c + 2] *= rest;
            }
        }
    }
};

// The values of a tile: lane (g, t) has dims 8g to 8g + 7 of each half of tokens 2t, 2t + 1, 2t + 8 and 2t + 9.
struct Values {
    uint4 rows[4][2];

    // The first `valid` tokens, zeros behind, where memory may hold NaN that no weight of zero undoes.
    __device__ __forceinline__ void load(const bf16* values, int valid) {
        int first = threadIdx.x % 4 * 2;
        const bf16* from = values + first * HEAD + threadIdx.x % 32 / 4 * 8;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int token = j % 2 + j / 2 * 8;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const bf16* at = from + token * HEAD + half * (HEAD / 2);
                rows[j][half] = first + token < valid ? ld_global_nc_l2(at) : make_uint4(0, 0, 0, 0);
            }
        }
    }

    __device__ __forceinline__ static unsigned word(const uint4& x, int i) { return i == 0 ? x.x : i == 1 ? x.y : i == 2 ? x.z : x.w; }

    // Adds them by their weights.
    __device__ __forceinline__ void add(const float (&weight)[4], State& state) const {
        const unsigned b[2] = {movmatrix_trans(bf16x2_bits(weight[0], weight[1])), movmatrix_trans(bf16x2_bits(weight[2], weight[3]))};
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int w = 0; w < 4; w++) {
                unsigned x[4];
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    x[j] = word(rows[j][half], w);
                }
                const unsigned a[4] = {
                        __byte_perm(x[0], x[1], 0x5410), __byte_perm(x[0], x[1], 0x7632),
                        __byte_perm(x[2], x[3], 0x5410), __byte_perm(x[2], x[3], 0x7632)};
                mma_m16n8k16_bf16(state.attended[4 * half + w], a, b);
            }
        }
    }
};
