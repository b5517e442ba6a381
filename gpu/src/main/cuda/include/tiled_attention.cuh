// Softmax attention for any head size up to 128, in fp32: a block computes TILED_QUERIES queries of one head against keys in tiles
// of 32, with an online softmax. A masked key weighs an exact zero, so a query's result depends on its own keys alone, bit for bit.
//
// A Problem says how many queries() there are and where things lie, for a query or token i:
//   const C* query(i), key(i), value(i); C* result(i); int visible(i), the keys that a query sees, from the first on, at least one,
//   no fewer than the query before it.
#pragma once

#include "scalar.cuh"
#include "warp.cuh"

constexpr int TILED_QUERIES = 16;
constexpr int TILED_THREADS = 128;

namespace tiled {

constexpr int WARPS = TILED_THREADS / 32;
constexpr int ROWS = TILED_QUERIES / WARPS;  // queries of a warp
constexpr int KEYS = 32;                     // a key a lane
constexpr int MAX_HEAD = 128;
constexpr int LANE_DIMS = MAX_HEAD / 32;
constexpr float LOG2E = 1.4426950408889634f;
static_assert(ROWS == 4, "a float4 holds one value of each of a warp's queries");

// to[keys, stride] <- keys or values of the tokens from `start` on; zeros behind the context's end.
template <typename At>
__device__ __forceinline__ void load(At at, int start, int context, int headDim, float* to, int stride) {
    for (int i = threadIdx.x / 32; i < KEYS; i += WARPS) {
        const bool there = start + i < context;
        const auto* from = at(there ? start + i : start);
        for (int d = threadIdx.x % 32; d < headDim; d += 32) {
            to[i * stride + d] = there ? to_float(from[d]) : 0.0f;
        }
    }
}

__device__ __forceinline__ void add(float (&sum)[ROWS], float4 factors, float x) {
    sum[0] = fmaf(factors.x, x, sum[0]);
    sum[1] = fmaf(factors.y, x, sum[1]);
    sum[2] = fmaf(factors.z, x, sum[2]);
    sum[3] = fmaf(factors.w, x, sum[3]);
}

}  // namespace tiled

template <typename C, typename Problem>
__device__ void tiled_attention(const Problem& problem, int first, int headDim, float scale) {
    using namespace tiled;
    __shared__ float4 queries[WARPS][MAX_HEAD];
    __shared__ float4 weights[WARPS][KEYS];
    __shared__ float tile[KEYS * (MAX_HEAD + 1)];
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const int stride = headDim | 1;  // odd: no two keys of a column share a bank
    const int count = problem.queries();
    const float log2Scale = scale * LOG2E;

    float* query = reinterpret_cast<float*>(queries[warp]);
    int visible[ROWS];
    float most[ROWS];
    float sum[ROWS];
    float attended[LANE_DIMS][ROWS];
    for (int r = 0; r < ROWS; r++) {
        const int at = min(first + warp * ROWS + r, count - 1);
        const C* from = problem.query(at);
        for (int d = lane; d < headDim; d += 32) {
            query[d * ROWS + r] = to_float(from[d]) * log2Scale;
        }
        visible[r] = problem.visible(at);
        most[r] = -INFINITY;
        sum[r] = 0.0f;
        for (int i = 0; i < LANE_DIMS; i++) {
            attended[i][r] = 0.0f;
        }
    }

    const int context = problem.visible(min(first + TILED_QUERIES, count) - 1);
    for (int start = 0; start < context; start += KEYS) {
        __syncthreads();
        load([&](int i) { return problem.key(i); }, start, context, headDim, tile, stride);
        __syncthreads();
        float score[ROWS] = {};
        for (int d = 0; d < headDim; d++) {
            add(score, queries[warp][d], tile[lane * stride + d]);
        }
        float* weight = reinterpret_cast<float*>(weights[warp]);
        for (int r = 0; r < ROWS; r++) {
            const bool seen = start + lane < visible[r];
            const float now = fmaxf(most[r], warp_max(seen ? score[r] : -INFINITY));
            const float w = seen ? exp2f(score[r] - now) : 0.0f;
            const float rest = exp2f(most[r] - now);  // of the tiles before; the first key is always seen
            sum[r] = sum[r] * rest + warp_sum(w);
            most[r] = now;
            weight[lane * ROWS + r] = w;
            for (int i = 0; i < LANE_DIMS; i++) {
                attended[i][r] *= rest;
            }
        }
        __syncthreads();
        load([&](int i) { return problem.value(i); }, start, context, headDim, tile, stride);
        __syncthreads();
        for (int i = 0; i < KEYS; i++) {
            for (int j = 0; j < LANE_DIMS; j++) {
                if (lane + 32 * j < headDim) {
                    add(attended[j], weights[warp][i], tile[i * stride + lane + 32 * j]);
                }
            }
        }
    }

    for (int r = 0; r < ROWS; r++) {
        const int at = first + warp * ROWS + r;
        if (at < count) {
            C* to = problem.result(at);
            for (int i = 0; i < LANE_DIMS; i++) {
                if (lane + 32 * i < headDim) {
                    to[lane + 32 * i] = from_float<C>(attended[i][r] / sum[r]);
                }
            }
        }
    }
    __syncthreads();
}
