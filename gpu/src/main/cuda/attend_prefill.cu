// Paged causal attention on tensor cores, for many queries of a sequence; shapes and meaning as in attend.cu, bf16 alone.
//   q [T, Hq, HEAD]; cache [block, 2, Hk, 16, HEAD]; tables i[rows, tableStride]; row i[S]; cuQ i[S+1]; contextLength i[S]
//   -> out [T, outStride], heads side by side, but for sequences of at most `leave` queries of a key-value head
//
// An item is 128 queries of one key-value head of one sequence, query number token * group + head: the heads of a group, and then
// neighbouring tokens, share tiles of KEYS keys. The tiles begin at multiples of KEYS of the sequence's positions, so a query's
// result is the same, bit for bit, however the sequence was cut into chunks.
//
// The context of a sequence that brings few queries for many keys, by the rule of splits_of, is cut into SPLITS pieces for as many
// blocks, since it has too few items to occupy a device; the last of these to finish joins what they leave in scratch, in order.
// partial f32[SPLITS, T, Hq, HEAD], extremes f32[SPLITS, T, Hq, 2] (largest score, sum of weights); tickets i[gridDim.x, Hk], zero
// before and after.
//
// Items are numbered with gaps, so that nothing need be counted: those of sequence s begin at cuQ[s] * group / 128 + s, which
// leaves room for all of them. Grid: (T * group / 128 + S, Hk, SPLITS or, where no sequence's context is cut, 1). The last items come first, because they have the longest contexts.
//
// attend_prefill_128_narrow_bf16 takes tiles of 32 keys, for devices with less than 104,448 bytes of shared memory a block.

#include "flash.cuh"

extern __shared__ __align__(16) unsigned char shared_memory[];

namespace {

constexpr int THREADS = 128;
constexpr int WARPS = THREADS / 32;
constexpr int TILES = 2;
constexpr int QUERIES = WARPS * 16 * TILES;
constexpr int STAGES = 2;
constexpr int BLOCK_TOKENS = 16;
constexpr int SPLITS = 4;
constexpr int FEW_TOKENS = 512;     // that a sequence brings
constexpr int LONG_CONTEXT = 4096;  // so that each query sees keys of every piece

// Not of a single token: a graph of such steps was captured before anything was known of contexts.
__device__ __forceinline__ int splits_of(int tokens, int context) {
    return tokens > 1 && tokens <= FEW_TOKENS && context >= LONG_CONTEXT ? SPLITS : 1;
}

// What the blocks that share an item leave for the last of them.
struct Scratch {
    float* partial;
    float2* extremes;
    int* tickets;
    int tokens, queryHeads;

    // Of a query: its token in the step and its head.
    __device__ __forceinline__ long long at(int split, long long token, int head) const {
        return (split * (long long)tokens + token) * queryHeads + head;
    }
};

// The queries of one key-value head of one sequence.
template <int HEAD, int KEYS>
struct Sequence {
    const bf16* query;  // the group's first head of the first token
    bf16* result;
    const bf16* cache;  // the head's keys in block 0
    const int* table;
    long long part;  // between keys and values of a block
    int queryStride;
    int resultStride;
    int group;
    int numQueries;
    int past;  // tokens before the first query's
    long long firstToken;  // in the step
    int firstHead;  // of the group
    int splits;

    __device__ __forceinline__ int clamp(int i) const { return min(i, numQueries - 1); }
    // Keys that a query sees, its own token's included; those behind the last repeat it.
    __device__ __forceinline__ int visible(int i) const { return past + clamp(i) / group + 1; }
    __device__ __forceinline__ long long offset(int i, int stride) const {
        return (long long)(i / group) * stride + i % group * HEAD;
    }

    __device__ __forceinline__ void load_queries(bf16* shared, int first) const {
        constexpr int CHUNKS = HEAD / 8;
        for (int i = threadIdx.x; i < QUERIES * CHUNKS; i += THREADS) {
            const int row = i / CHUNKS;
            const int chunk = i % CHUNKS;
            cp_async16(shared + row * FLASH_STRIDE<HEAD> + chunk * 8, query + offset(clamp(first + row), queryStride) + chunk * 8);
        }
    }

    // keys, values [KEYS, FLASH_STRIDE] <- those of the tokens from `start` on; zeros behind the context's end, where a block
    // holds what another sequence left.
    __device__ __forceinline__ void load_tile(bf16* keys, bf16* values, int start, int context) const {
        constexpr int CHUNKS = HEAD / 8;
#pragma unroll
        for (int b = 0; b < KEYS / BLOCK_TOKENS; b++) {
            const int token = start + b * BLOCK_TOKENS;
            const long long block = token < context ? table[token / BLOCK_TOKENS] : 0;
            const bf16* from = cache + block * 2 * part;
#pragma unroll
            for (int j = 0; j < BLOCK_TOKENS * CHUNKS; j += THREADS) {
                const int i = j + threadIdx.x;
                const int to = (b * BLOCK_TOKENS + i / CHUNKS) * FLASH_STRIDE<HEAD> + i % CHUNKS * 8;
                const bool there = token + i / CHUNKS < context;
                cp_async16(keys + to, from + i * 8, there);
                cp_async16(values + to, from + part + i * 8, there);
            }
        }
    }
};

// Lays this piece's sums in scratch. The last block to come makes the result of all pieces' sums.
template <int HEAD, int KEYS>
__device__ __forceinline__ void join(
        const Sequence<HEAD, KEYS>& sequence, const Scratch& scratch, int first, const Flash<HEAD, TILES, KEYS>& warp) {
    const int mine = first + threadIdx.x / 32 * Flash<HEAD, TILES, KEYS>::QUERIES;
    const int lane = threadIdx.x % 32;
    auto place = [&](int split, int query) {
        return scratch.at(split, sequence.firstToken + query / sequence.group, sequence.firstHead + query % sequence.group);
    };
#pragma unroll
    for (int t = 0; t < TILES; t++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const int query = mine + 16 * t + 8 * half + lane / 4;
            const float sum = warp_sum<4>(warp.sum[t][half]);
            if (query < sequence.numQueries) {
                const long long at = place(blockIdx.z, query);
                float* to = scratch.partial + at * HEAD + lane % 4 * 2;
#pragma unroll
                for (int n = 0; n < HEAD / 8; n++) {
                    __stcg(reinterpret_cast<float2*>(to + 8 * n),
                            make_float2(warp.attended[t][n][2 * half], warp.attended[t][n][2 * half + 1]));
                }
                if (lane % 4 == 0) {
                    __stcg(scratch.extremes + at, make_float2(warp.most[t][half] * warp.scale, sum));
                }
            }
        }
    }
    __threadfence();
    __syncthreads();
    int last = 0;
    int* ticket = scratch.tickets + blockIdx.x * gridDim.y + blockIdx.y;
    if (threadIdx.x == 0) {
        last = atomicAdd(ticket, 1) == SPLITS - 1;
    }
    if (!__syncthreads_or(last)) {
        return;
    }
    __threadfence();
    if (threadIdx.x == 0) {
        *ticket = 0;
    }
    constexpr int CHUNKS = HEAD / 8;
    for (int i = threadIdx.x; i < QUERIES * CHUNKS; i += THREADS) {
        const int query = first + i / CHUNKS;
        if (query >= sequence.numQueries) {
            break;
        }
        float2 extreme[SPLITS];
        float4 value[SPLITS][2];
#pragma unroll
        for (int split = 0; split < SPLITS; split++) {
            const long long at = place(split, query);
            extreme[split] = __ldcg(scratch.extremes + at);
            const float4* from = reinterpret_cast<const float4*>(scratch.partial + at * HEAD + i % CHUNKS * 8);
            value[split][0] = __ldcg(from);
            value[split][1] = __ldcg(from + 1);
        }
        float most = extreme[0].x;
#pragma unroll
        for (int split = 1; split < SPLITS; split++) {
            most = fmaxf(most, extreme[split].x);
        }
        float sum = 0.0f;
        float joined[8] = {};
#pragma unroll
        for (int split = 0; split < SPLITS; split++) {
            const float weight = ex2_approx(extreme[split].x - most);
            const float part[8] = {value[split][0].x, value[split][0].y, value[split][0].z, value[split][0].w,
                    value[split][1].x, value[split][1].y, value[split][1].z, value[split][1].w};
            sum = fmaf(extreme[split].y, weight, sum);
#pragma unroll
            for (int j = 0; j < 8; j++) {
                joined[j] = fmaf(part[j], weight, joined[j]);
            }
        }
        const float factor = 1.0f / sum;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            joined[j] *= factor;
        }
        Pack<bf16>::from_floats(joined).store(sequence.result + sequence.offset(query, sequence.resultStride) + i % CHUNKS * 8);
    }
}

template <int HEAD, int KEYS>
__device__ __forceinline__ void attend_item(
        const Sequence<HEAD, KEYS>& sequence, const Scratch& scratch, int first, float scale) {
    using Warp = Flash<HEAD, TILES, KEYS>;
    constexpr int TILE = KEYS * Warp::STRIDE;
    constexpr int CHUNKS = HEAD / 8;
    bf16* queries = reinterpret_cast<bf16*>(shared_memory);
    bf16* keys = queries + QUERIES * Warp::STRIDE;
    bf16* values = keys + STAGES * TILE;
    const int whole = sequence.visible(sequence.numQueries - 1);
    const int piece = (whole / sequence.splits + KEYS - 1) / KEYS * KEYS;
    const int begin = blockIdx.z * piece;
    const int seen = sequence.visible(first + QUERIES - 1);
    const int context = (int)blockIdx.z == sequence.splits - 1 ? seen : min(seen, begin + piece);
    const int unmasked = sequence.visible(first);
    const int mine = threadIdx.x / 32 * Warp::QUERIES;
    const int lane = threadIdx.x % 32;

    sequence.load_queries(queries, first);
    sequence.load_tile(keys, values, begin, context);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();

    Warp warp;
    warp.begin(queries + mine * Warp::STRIDE, scale);
    for (int start = begin; start < context; start += KEYS) {
        const int stage = (start - begin) / KEYS % STAGES * TILE;
        if (start + KEYS < context) {
            sequence.load_tile(keys + TILE - stage, values + TILE - stage, start + KEYS, context);
            cp_async_commit();
        }
        warp.tile(keys + stage, values + stage, start + KEYS > unmasked,
                [&](int row) { return sequence.visible(first + mine + row) - start; });
        cp_async_wait<0>();
        __syncthreads();  // the next tile is there, and nobody reads this one any more
    }

    if (sequence.splits > 1) {
        join(sequence, scratch, first, warp);
        return;
    }
    warp.finish(queries + mine * Warp::STRIDE);
#pragma unroll 4
    for (int i = lane; i < Warp::QUERIES * CHUNKS; i += 32) {
        const int at = first + mine + i / CHUNKS;
        if (at < sequence.numQueries) {
            Pack<bf16>::load(queries + (mine + i / CHUNKS) * Warp::STRIDE + i % CHUNKS * 8)
                    .store(sequence.result + sequence.offset(at, sequence.resultStride) + i % CHUNKS * 8);
        }
    }
}

__device__ __forceinline__ int first_item(const int* cuQ, int group, int s) {
    return cuQ[s] * group / QUERIES + s;
}

// The last sequence whose items begin at or before an item.
__device__ __forceinline__ int sequence_of(const int* cuQ, int numSequences, int group, int item) {
    int low = 0;
    int high = numSequences - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (first_item(cuQ, group, middle) <= item) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

template <int HEAD, int KEYS>
__device__ __forceinline__ void attend(
        const bf16* q, const bf16* cache, const int* tables, const int* row, const int* cuQ, const int* contextLength,
        int numSequences, int tableStride, int queryHeads, int keyHeads, int leave, float scale, int outStride, bf16* out,
        const Scratch& scratch) {
    const int group = queryHeads / keyHeads;
    const int item = gridDim.x - 1 - blockIdx.x;
    const int s = sequence_of(cuQ, numSequences, group, item);
    const int first = (item - first_item(cuQ, group, s)) * QUERIES;
    const int numTokens = cuQ[s + 1] - cuQ[s];
    const int splits = splits_of(numTokens, contextLength[s]);
    if (first >= numTokens * group || numTokens * group <= leave || (int)blockIdx.z >= splits) {
        return;
    }
    const int head = blockIdx.y * group * HEAD;
    Sequence<HEAD, KEYS> sequence;
    sequence.query = q + (long long)cuQ[s] * queryHeads * HEAD + head;
    sequence.result = out + (long long)cuQ[s] * outStride + head;
    sequence.cache = cache + blockIdx.y * (BLOCK_TOKENS * HEAD);
    sequence.table = tables + (long long)row[s] * tableStride;
    sequence.part = (long long)keyHeads * (BLOCK_TOKENS * HEAD);
    sequence.queryStride = queryHeads * HEAD;
    sequence.resultStride = outStride;
    sequence.group = group;
    sequence.numQueries = numTokens * group;
    sequence.past = contextLength[s] - numTokens;
    sequence.firstToken = cuQ[s];
    sequence.firstHead = blockIdx.y * group;
    sequence.splits = splits;
    attend_item<HEAD, KEYS>(sequence, scratch, first, scale);
}

}  // namespace

#define ATTEND_PREFILL(NAME, HEAD, KEYS)                                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) NAME(                                                   \
            const bf16* q, const bf16* cache, const int* tables, const int* row, const int* cuQ, const int* contextLength, \
            int numTokens, int numSequences, int tableStride, int queryHeads, int keyHeads, int leave, float scale, \
            int outStride, bf16* out, float* partial, float2* extremes, int* tickets) {                              \
        attend<HEAD, KEYS>(q, cache, tables, row, cuQ, contextLength, numSequences, tableStride, queryHeads, keyHeads, \
                leave, scale, outStride, out, Scratch{partial, extremes, tickets, numTokens, queryHeads});           \
    }

ATTEND_PREFILL(attend_prefill_64_bf16, 64, 64)
ATTEND_PREFILL(attend_prefill_128_bf16, 128, 64)
ATTEND_PREFILL(attend_prefill_128_narrow_bf16, 128, 32)
