// Paged causal attention: each query sees the tokens of its sequence up to its own.
//   q c[T, Hq, hd]; cache c[block, 2, Hk, 16, hd]; tables i[rows, tableStride]; row i[S]; cuQ i[S+1]; contextLength i[S]
//   firstItem i[S+1] -> out c[T, outStride], heads side by side
//
// An item is TILE queries of one key-value head of one sequence: query number token * group + head, so that the query heads
// that share a key-value head, and then neighbouring tokens, read its keys together. Keys are visited in tiles of KEYS from
// the sequence's first token on with an online softmax in fp32. A masked key adds an exact zero, so a query's result depends
// on its own context alone, bit for bit: not on the batch, nor on how its sequence was cut into chunks.
//
// Grid: (blocks that share the items, Hk). Head size at most 128.

#include "scalar.cuh"
#include "search.cuh"
#include "warp.cuh"

namespace {

constexpr int THREADS = 128;
constexpr int WARPS = THREADS / 32;
constexpr int TILE = 16;
constexpr int ROWS = TILE / WARPS;  // queries of a warp
constexpr int KEYS = 32;            // a key a lane
constexpr int BLOCK_TOKENS = 16;
constexpr int MAX_HEAD_DIM = 128;
constexpr int LANE_DIMS = MAX_HEAD_DIM / 32;
constexpr float LOG2E = 1.4426950408889634f;

template <typename C>
struct Cache {
    const C* values;
    const int* table;
    int keyHeads;
    int headDim;
    int head;

    // A token's key (part 0) or value (part 1).
    __device__ const C* at(int part, int token) const {
        long long block = table[token / BLOCK_TOKENS];
        return values + (((block * 2 + part) * keyHeads + head) * BLOCK_TOKENS + token % BLOCK_TOKENS) * headDim;
    }
};

// tile[KEYS][stride] <- keys or values of the tokens from `start` on; zeros behind the context's end.
template <typename C>
__device__ void load(const Cache<C>& cache, int part, int start, int context, float* tile, int stride) {
    for (int key = threadIdx.x / 32; key < KEYS; key += WARPS) {
        bool there = start + key < context;
        const C* from = cache.at(part, there ? start + key : start);
        for (int d = threadIdx.x % 32; d < cache.headDim; d += 32) {
            tile[key * stride + d] = there ? to_float(from[d]) : 0.0f;
        }
    }
}

template <typename C>
__device__ void attend_item(
        const C* q, const Cache<C>& cache, int firstToken, int numQueries, int firstQuery, int context, int numTokens,
        int queryHeads, int group, float scale, int outStride, C* out) {
    __shared__ float queries[TILE * MAX_HEAD_DIM];
    __shared__ float tile[KEYS * (MAX_HEAD_DIM + 1)];
    __shared__ float weights[TILE * KEYS];
    int lane = threadIdx.x % 32;
    int firstRow = threadIdx.x / 32 * ROWS;
    int headDim = cache.headDim;
    int stride = headDim | 1;  // odd: no two keys of a column share a bank

    for (int r = threadIdx.x / 32; r < TILE; r += WARPS) {
        int query = min(firstQuery + r, numQueries - 1);
        const C* from = q + ((long long)(firstToken + query / group) * queryHeads + cache.head * group + query % group)
                        * headDim;
        for (int d = lane; d < headDim; d += 32) {
            queries[r * headDim + d] = to_float(from[d]) * scale;
        }
    }

    int visible[ROWS];  // tokens that a query sees
    float most[ROWS];
    float sum[ROWS];
    float attended[ROWS][LANE_DIMS];
    for (int r = 0; r < ROWS; r++) {
        int query = min(firstQuery + firstRow + r, numQueries - 1);
        visible[r] = context - numTokens + query / group + 1;
        most[r] = -INFINITY;
        sum[r] = 0.0f;
        for (int i = 0; i < LANE_DIMS; i++) {
            attended[r][i] = 0.0f;
        }
    }
    int last = min(firstQuery + TILE, numQueries) - 1;
    int longest = context - numTokens + last / group + 1;

    for (int start = 0; start < longest; start += KEYS) {
        __syncthreads();
        load(cache, 0, start, context, tile, stride);
        __syncthreads();
        float score[ROWS];
        for (int r = 0; r < ROWS; r++) {
            score[r] = 0.0f;
        }
        for (int d = 0; d < headDim; d++) {
            float key = tile[lane * stride + d];
            for (int r = 0; r < ROWS; r++) {
                score[r] = fmaf(queries[(firstRow + r) * headDim + d], key, score[r]);
            }
        }
        for (int r = 0; r < ROWS; r++) {
            bool seen = start + lane < visible[r];
            float now = fmaxf(most[r], warp_max(seen ? score[r] : -INFINITY));
            float weight = seen ? exp2f(score[r] - now) : 0.0f;
            float rest = exp2f(most[r] - now);  // of the tiles before; the first token is always seen
            sum[r] = sum[r] * rest + warp_sum(weight);
            most[r] = now;
            weights[(firstRow + r) * KEYS + lane] = weight;
            for (int i = 0; i < LANE_DIMS; i++) {
                attended[r][i] *= rest;
            }
        }
        __syncthreads();
        load(cache, 1, start, context, tile, stride);
        __syncthreads();
        for (int key = 0; key < KEYS; key++) {
            for (int i = 0; i < LANE_DIMS; i++) {
                int d = lane + 32 * i;
                if (d < headDim) {
                    float value = tile[key * stride + d];
                    for (int r = 0; r < ROWS; r++) {
                        attended[r][i] = fmaf(weights[(firstRow + r) * KEYS + key], value, attended[r][i]);
                    }
                }
            }
        }
    }

    for (int r = 0; r < ROWS; r++) {
        int query = firstQuery + firstRow + r;
        if (query < numQueries) {
            C* to = out + (long long)(firstToken + query / group) * outStride
                    + (cache.head * group + query % group) * headDim;
            for (int i = 0; i < LANE_DIMS; i++) {
                int d = lane + 32 * i;
                if (d < headDim) {
                    to[d] = from_float<C>(attended[r][i] / sum[r]);
                }
            }
        }
    }
    __syncthreads();
}

template <typename C>
__device__ void attend(
        const C* q, const C* values, const int* tables, const int* row, const int* cuQ, const int* contextLength,
        const int* firstItem, int numSequences, int tableStride, int queryHeads, int keyHeads, int headDim, float scale,
        int outStride, C* out) {
    int group = queryHeads / keyHeads;
    for (int item = blockIdx.x; item < firstItem[numSequences]; item += gridDim.x) {
        int s = last_at_most(firstItem, numSequences, item);
        Cache<C> cache = {values, tables + (long long)row[s] * tableStride, keyHeads, headDim, (int)blockIdx.y};
        int numTokens = cuQ[s + 1] - cuQ[s];
        attend_item(q, cache, cuQ[s], numTokens * group, (item - firstItem[s]) * TILE, contextLength[s], numTokens,
                queryHeads, group, scale * LOG2E, outStride, out);
    }
}

}  // namespace

#define ATTEND(NAME, C) \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME( \
            const C* q, const C* values, const int* tables, const int* row, const int* cuQ, const int* contextLength, \
            const int* firstItem, int numSequences, int tableStride, int queryHeads, int keyHeads, int headDim, \
            float scale, int outStride, C* out) { \
        attend<C>(q, values, tables, row, cuQ, contextLength, firstItem, numSequences, tableStride, queryHeads, \
                keyHeads, headDim, scale, outStride, out); \
    }

ATTEND(attend_bf16, bf16)
ATTEND(attend_f32, float)
