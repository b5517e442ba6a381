// Softmax attention on tensor cores, one warp's share (FlashAttention-2, Dao 2023): 16 * TILES queries of one head against keys
// that come in tiles of KEYS, scores and sums in fp32 registers, bf16 into the products. Whoever uses it brings keys and values
// into shared memory and says which keys a query sees.
//
// A query's result depends on its own keys alone, bit for bit: the tiles are visited in order from the first key on, and a tile
// that adds nothing to a query (masked keys weigh an exact zero) changes nothing of it. So it does not matter which queries
// share its warp, nor how a sequence was cut into chunks.
#pragma once

#include "scalar.cuh"
#include "warp.cuh"

// Rows of HEAD values in shared memory lie HEAD + 8 apart: an odd number of 16-byte chunks, so ldmatrix meets no bank twice.
template <int HEAD>
constexpr int FLASH_STRIDE = HEAD + 8;

template <int HEAD, int TILES, int KEYS>
struct Flash {
    static_assert(HEAD % 16 == 0 && KEYS % 16 == 0, "whole products");
    static constexpr int STRIDE = FLASH_STRIDE<HEAD>;
    static constexpr int QUERIES = 16 * TILES;
    static constexpr float LOG2E = 1.4426950408889634f;
    static constexpr bool QUERIES_IN_REGISTERS = HEAD * TILES <= 160;  // larger heads would leave none for the rest

    const bf16* queries;  // [QUERIES, STRIDE] of this warp, shared
    float scale;          // of scores, whose powers are of two
    unsigned query[QUERIES_IN_REGISTERS ? TILES : 1][QUERIES_IN_REGISTERS ? HEAD / 16 : 1][4];
    float attended[TILES][HEAD / 8][4];
    float most[TILES][2];  // largest score so far of rows lane/4 and lane/4 + 8
    float sum[TILES][2];   // of this lane's weights

    __device__ __forceinline__ void begin(const bf16* sharedQueries, float scoreScale) {
        queries = sharedQueries;
        scale = scoreScale * LOG2E;
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            if constexpr (QUERIES_IN_REGISTERS) {
#pragma unroll
                for (int k = 0; k < HEAD / 16; k++) {
                    load_query(query[t][k], t, k);
                }
            }
#pragma unroll
            for (int half = 0; half < 2; half++) {
                most[t][half] = -INFINITY;
                sum[t][half] = 0.0f;
            }
#pragma unroll
            for (int n = 0; n < HEAD / 8; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    attended[t][n][i] = 0.0f;
                }
            }
        }
    }

    // One tile: keys and values [KEYS, STRIDE], shared. A query sees visible(query) keys, counted from the tile's first one, where
    // queries count from the warp's first; `masked` says whether that is fewer than KEYS for any query of the block.
    template <typename Visible>
    __device__ __forceinline__ void tile(const bf16* keys, const bf16* values, bool masked, Visible visible) {
        float score[TILES][KEYS / 8][4];
        scores(keys, score);
        if (masked) {
            mask(score, visible);
        }
        weigh(score);
        add_values(values, score);
    }

    // Normalises and puts the rows where the warp's queries were, which nobody else reads.
    __device__ __forceinline__ void finish(bf16* sharedRows) {
        const int lane = threadIdx.x % 32;
        __syncwarp();
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float factor = 1.0f / warp_sum<4>(sum[t][half]);
                bf16* row = sharedRows + (16 * t + 8 * half + lane / 4) * STRIDE + lane % 4 * 2;
#pragma unroll
                for (int n = 0; n < HEAD / 8; n++) {
                    *reinterpret_cast<unsigned*>(row + 8 * n) =
                            bf16x2_bits(normal(attended[t][n][2 * half], factor), normal(attended[t][n][2 * half + 1], factor));
                }
            }
        }
        __syncwarp();
    }

private:
    // Adding zero makes -0, which a tile without visible keys may turn into 0, always 0.
    static __device__ __forceinline__ float normal(float x, float factor) { return fmaf(x, factor, 0.0f); }

    __device__ __forceinline__ void load_query(unsigned (&a)[4], int t, int k) const {
        const int lane = threadIdx.x % 32;
        ldmatrix_x4(a, queries + (16 * t + lane % 16) * STRIDE + 16 * k + lane / 16 * 8);
    }

    // score <- Q·Kᵀ
    __device__ __forceinline__ void scores(const bf16* keys, float (&score)[TILES][KEYS / 8][4]) const {
        const int lane = threadIdx.x % 32;
        const bf16* row = keys + (lane % 8 + lane / 16 * 8) * STRIDE + lane / 8 % 2 * 8;
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    score[t][n][i] = 0.0f;
                }
            }
        }
#pragma unroll
        for (int k = 0; k < HEAD / 16; k++) {
            unsigned a[TILES][4];
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                if constexpr (QUERIES_IN_REGISTERS) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        a[t][i] = query[t][k][i];
                    }
                } else {
                    load_query(a[t], t, k);
                }
            }
#pragma unroll
            for (int n = 0; n < KEYS / 16; n++) {
                unsigned b[4];
                ldmatrix_x4(b, row + 16 * n * STRIDE + 16 * k);
                multiply<KEYS>(score, 2 * n, a, b);
            }
        }
    }

    template <typename Visible>
    __device__ __forceinline__ void mask(float (&score)[TILES][KEYS / 8][4], Visible visible) const {
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int seen = visible(16 * t + 8 * half + lane / 4) - lane % 4 * 2;
#pragma unroll
                for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
                    for (int i = 0; i < 2; i++) {
                        if (8 * n + i >= seen) {
                            score[t][n][2 * half + i] = -INFINITY;
                        }
                    }
                }
            }
        }
    }

    // Turns scores into weights relative to the largest so far, and what was attended before into the same measure.
    __device__ __forceinline__ void weigh(float (&score)[TILES][KEYS / 8][4]) {
        float before[TILES][2];
        bool grown = false;
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float now = fmaxf(score[t][0][2 * half], score[t][0][2 * half + 1]);
#pragma unroll
                for (int n = 1; n < KEYS / 8; n++) {
                    now = fmaxf(now, fmaxf(score[t][n][2 * half], score[t][n][2 * half + 1]));
                }
                before[t][half] = most[t][half];
                most[t][half] = fmaxf(most[t][half], warp_max<4>(now));
                grown |= most[t][half] > before[t][half];
            }
        }
        if (__any_sync(ALL_LANES, grown)) {  // else every factor is exactly 1
            rescale(before);
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float shift = most[t][half] * scale;
                float total = 0.0f;
#pragma unroll
                for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
                    for (int i = 2 * half; i < 2 * half + 2; i++) {
                        score[t][n][i] = ex2_approx(fmaf(score[t][n][i], scale, -shift));
                        total += score[t][n][i];
                    }
                }
                sum[t][half] += total;
            }
        }
    }

    __device__ __forceinline__ void rescale(const float (&before)[TILES][2]) {
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float factor = ex2_approx((before[t][half] - most[t][half]) * scale);
                sum[t][half] *= factor;
#pragma unroll
                for (int n = 0; n < HEAD / 8; n++) {
                    attended[t][n][2 * half] *= factor;
                    attended[t][n][2 * half + 1] *= factor;
                }
            }
        }
    }

    // attended += weights·V; the scores' registers lie as the product wants its left side.
    __device__ __forceinline__ void add_values(const bf16* values, const float (&weight)[TILES][KEYS / 8][4]) {
        const int lane = threadIdx.x % 32;
        const bf16* row = values + lane % 16 * STRIDE + lane / 16 * 8;
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) {
            unsigned a[TILES][4];
#pragma unroll
            for (int t = 0; t < TILES; t++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const float(&pair)[4] = weight[t][2 * k + i / 2];
                    a[t][i] = bf16x2_bits(pair[i % 2 * 2], pair[i % 2 * 2 + 1]);
                }
            }
#pragma unroll
            for (int n = 0; n < HEAD / 16; n++) {
                unsigned b[4];
                ldmatrix_x4_trans(b, row + 16 * k * STRIDE + 16 * n);
                multiply<HEAD>(attended, 2 * n, a, b);
            }
        }
    }

    // Columns 8n to 8n + 15 of d += a·b
    template <int COLUMNS>
    static __device__ __forceinline__ void multiply(
            float (&d)[TILES][COLUMNS / 8][4], int n, const unsigned (&a)[TILES][4], const unsigned (&b)[4]) {
        const unsigned first[2] = {b[0], b[1]};
        const unsigned second[2] = {b[2], b[3]};
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            mma_m16n8k16_bf16(d[t][n], a[t], first);
            mma_m16n8k16_bf16(d[t][n + 1], a[t], second);
        }
    }
};
