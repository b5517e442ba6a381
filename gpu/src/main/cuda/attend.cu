// Paged causal attention: each query sees the tokens of its sequence up to its own.
//   q c[T, Hq, hd]; cache c[block, 2, Hk, 16, hd]; tables i[rows, tableStride]; row i[S]; cuQ i[S+1]; contextLength i[S]
//   firstItem i[S+1] -> out c[T, outStride], heads side by side
//
// An item is TILED_QUERIES queries of one key-value head of one sequence: query number token * group + head, so that the query
// heads that share a key-value head, and then neighbouring tokens, read its keys together. A query's result depends on its own
// context alone, bit for bit: not on the batch, nor on how its sequence was cut into chunks.
//
// Grid: (blocks that share the items, Hk). Head size at most 128.

#include "search.cuh"
#include "tiled_attention.cuh"

namespace {

constexpr int BLOCK_TOKENS = 16;

// The queries of one key-value head of one sequence.
template <typename C>
struct Sequence {
    const C* q;      // the group's first head of the first token
    const C* cache;  // the head's keys in block 0
    const int* table;
    C* out;
    int queryStride;
    int outStride;
    int keyHeads;
    int headDim;
    int group;
    int numQueries;
    int past;  // tokens before the first query's

    __device__ int queries() const { return numQueries; }
    __device__ int visible(int i) const { return past + i / group + 1; }
    __device__ const C* query(int i) const { return q + (long long)(i / group) * queryStride + i % group * headDim; }
    __device__ const C* key(int token) const { return at(0, token); }
    __device__ const C* value(int token) const { return at(1, token); }
    __device__ C* result(int i) const { return out + (long long)(i / group) * outStride + i % group * headDim; }

private:
    __device__ const C* at(int part, int token) const {
        const long long block = table[token / BLOCK_TOKENS];
        return cache + ((block * 2 + part) * keyHeads * BLOCK_TOKENS + token % BLOCK_TOKENS) * headDim;
    }
};

template <typename C>
__device__ void attend(
        const C* q, const C* cache, const int* tables, const int* row, const int* cuQ, const int* contextLength,
        const int* firstItem, int numSequences, int tableStride, int queryHeads, int keyHeads, int headDim, float scale,
        int outStride, C* out) {
    const int group = queryHeads / keyHeads;
    const int head = blockIdx.y;
    for (int item = blockIdx.x; item < firstItem[numSequences]; item += gridDim.x) {
        const int s = last_at_most(firstItem, numSequences, item);
        const int numTokens = cuQ[s + 1] - cuQ[s];
        Sequence<C> sequence;
        sequence.q = q + ((long long)cuQ[s] * queryHeads + head * group) * headDim;
        sequence.cache = cache + head * BLOCK_TOKENS * headDim;
        sequence.table = tables + (long long)row[s] * tableStride;
        sequence.out = out + (long long)cuQ[s] * outStride + head * group * headDim;
        sequence.queryStride = queryHeads * headDim;
        sequence.outStride = outStride;
        sequence.keyHeads = keyHeads;
        sequence.headDim = headDim;
        sequence.group = group;
        sequence.numQueries = numTokens * group;
        sequence.past = contextLength[s] - numTokens;
        tiled_attention<C>(sequence, (item - firstItem[s]) * TILED_QUERIES, headDim, scale);
    }
}

}  // namespace

#define ATTEND(NAME, C) \
    extern "C" __global__ void __launch_bounds__(TILED_THREADS) NAME( \
            const C* q, const C* cache, const int* tables, const int* row, const int* cuQ, const int* contextLength, \
            const int* firstItem, int numSequences, int tableStride, int queryHeads, int keyHeads, int headDim, \
            float scale, int outStride, C* out) { \
        attend<C>(q, cache, tables, row, cuQ, contextLength, firstItem, numSequences, tableStride, queryHeads, \
                keyHeads, headDim, scale, outStride, out); \
    }

ATTEND(attend_bf16, bf16)
ATTEND(attend_f32, float)
