// Attention of the newest tokens of each sequence: the fast case for bf16, head size 128, at most 8 queries a key-value head
// (query heads that share it times new tokens). q bf16[T, Hq, 128]; cache bf16[block, 2, Hk, 16, 128]; tables i[rows, tableStride];
// row i[S]; cuQ i[S+1]; contextLength i[S] -> out bf16[T, outStride]. Sequences with more queries are left to attend.cu.
//
//   attend_decode_plan  firstItem i[S+1] <- where each sequence's items start; an item is a split of one key-value head's context
//   attend_decode       blocks take items in turn; the last to finish a head's splits combines them in their order
//
// A split's length follows from the context alone, and within a split each of WARPS warps takes every WARPS-th block of 16 tokens in
// an online softmax: the same sums in the same order whatever the batch, the grid and who combines. S = K Qᵀ and O = Vᵀ P by
// mma.m16n8k16 with the queries as n, so that keys and values, streamed once through a ring of shared memory that each warp fills
// for itself, are the large operands. Scratch: partial f32[items, 8, 128], extremes f32[items, 8, 2], tickets i[S, Hk], zero before
// and after. Dynamic shared memory: the ring, total, and the warps' extremes: 70,016 bytes.

#include "split_context.cuh"
#include "warp.cuh"

namespace {

constexpr int SUM_STRIDE = HEAD + 4;               // floats; no two queries of a quarter warp share a bank
constexpr float LOWEST = -1e30f;                   // below every score, and its differences are numbers
constexpr float LOG2E = 1.4426950408889634f;

// What a warp has attended to so far: lane (g, t) holds dims 16i + g and 16i + g + 8 of queries 2t and 2t + 1.
struct State {
    float most[2], sum[2];
    float attended[HEAD / 16][4];

    __device__ void reset() {
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
};

// The queries of one head as the B operand of eight mma steps; columns behind the last are zero.
__device__ __forceinline__ void load_queries(
        const bf16* q, int firstToken, int numQueries, int head, int group, int queryHeads, unsigned (&b)[HEAD / 16][2]) {
    int lane = threadIdx.x % 32;
    int n = lane / 4;
    const bf16* from = q + (static_cast<long long>(firstToken + n / group) * queryHeads + head * group + n % group) * HEAD + lane % 4 * 2;
#pragma unroll
    for (int k = 0; k < HEAD / 16; k++) {
        b[k][0] = n < numQueries ? *reinterpret_cast<const unsigned*>(from + k * 16) : 0;
        b[k][1] = n < numQueries ? *reinterpret_cast<const unsigned*>(from + k * 16 + 8) : 0;
    }
}

// score[16 tokens, 8 queries] of the keys in a tile, laid out as D of an mma.
__device__ __forceinline__ void score_block(const unsigned char* keys, const unsigned (&queries)[HEAD / 16][2], float (&score)[4]) {
    int lane = threadIdx.x % 32;
    float even[4] = {0, 0, 0, 0};
    float odd[4] = {0, 0, 0, 0};
#pragma unroll
    for (int k = 0; k < HEAD / 16; k += 2) {
        unsigned a[4];
        ldmatrix_x4(a, keys + Ring::place(lane % 16, 2 * k + lane / 16));
        mma_m16n8k16_bf16(even, a, queries[k]);
        ldmatrix_x4(a, keys + Ring::place(lane % 16, 2 * k + 2 + lane / 16));
        mma_m16n8k16_bf16(odd, a, queries[k + 1]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        score[i] = even[i] + odd[i];
    }
}

// Scores to weights exp2(score - most), with what came before scaled to a new largest score.
__device__ __forceinline__ void soften(float (&score)[4], State& state) {
#pragma unroll
    for (int c = 0; c < 2; c++) {
        float most = fmaxf(score[c], score[c + 2]);
        most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, 4));
        most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, 8));
        most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, 16));
        most = fmaxf(most, state.most[c]);
        float rest = ex2_approx(state.most[c] - most);
        state.most[c] = most;
        score[c] = ex2_approx(score[c] - most);
        score[c + 2] = ex2_approx(score[c + 2] - most);
        state.sum[c] = state.sum[c] * rest + (score[c] + score[c + 2]);
#pragma unroll
        for (int i = 0; i < HEAD / 16; i++) {
            state.attended[i][c] *= rest;
            state.attended[i][c + 2] *= rest;
        }
    }
}

// Adds the values in a tile by their weights.
__device__ __forceinline__ void add_values(const unsigned char* values, const float (&weight)[4], State& state) {
    int lane = threadIdx.x % 32;
    const unsigned b[2] = {movmatrix_trans(bf16x2_bits(weight[0], weight[1])), movmatrix_trans(bf16x2_bits(weight[2], weight[3]))};
    int row = lane % 8 + (lane / 16) * 8;
#pragma unroll
    for (int i = 0; i < HEAD / 16; i++) {
        unsigned a[4];
        ldmatrix_x4_trans(a, values + Ring::place(row, 2 * i + lane / 8 % 2));
        mma_m16n8k16_bf16(state.attended[i], a, b);
    }
}

// total[QUERIES][SUM_STRIDE] <- the warps' sums over their common largest score, added in the order of the warps; most and sum are
// those of query threadIdx.x / 16. Called by all threads.
__device__ void join_warps(State& state, float* total, float (*extremes)[QUERIES][2], float& most, float& sum) {
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    __syncthreads();  // what an earlier call left has been read
#pragma unroll
    for (int c = 0; c < 2; c++) {
        float s = state.sum[c];
        s += __shfl_xor_sync(ALL_LANES, s, 4);
        s += __shfl_xor_sync(ALL_LANES, s, 8);
        s += __shfl_xor_sync(ALL_LANES, s, 16);
        if (lane < 4) {
            extremes[warp][2 * lane + c][0] = state.most[c];
            extremes[warp][2 * lane + c][1] = s;
        }
    }
    __syncthreads();
    float scale[2];
#pragma unroll
    for (int c = 0; c < 2; c++) {
        int query = 2 * (lane % 4) + c;
        float top = LOWEST;
        for (int w = 0; w < WARPS; w++) {
            top = fmaxf(top, extremes[w][query][0]);
        }
        scale[c] = ex2_approx(state.most[c] - top);
    }
    for (int turn = 0; turn < WARPS; turn++) {
        if (warp == turn) {
#pragma unroll
            for (int i = 0; i < HEAD / 16; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    float* at = total + (2 * (lane % 4) + j % 2) * SUM_STRIDE + 16 * i + lane / 4 + j / 2 * 8;
                    float value = state.attended[i][j] * scale[j % 2];
                    *at = turn == 0 ? value : *at + value;
                }
            }
        }
        __syncthreads();
    }
    int query = threadIdx.x / 16;
    most = LOWEST;
    for (int w = 0; w < WARPS; w++) {
        most = fmaxf(most, extremes[w][query][0]);
    }
    sum = 0;
    for (int w = 0; w < WARPS; w++) {
        sum += extremes[w][query][1] * ex2_approx(extremes[w][query][0] - most);
    }
}

struct Partials {
    float* attended;  // [items, QUERIES, HEAD]
    float* extremes;  // [items, QUERIES, 2]

    // This thread's 8 dims of query threadIdx.x / 16.
    __device__ float* at(int item) const { return attended + static_cast<long long>(item) * (QUERIES * HEAD) + threadIdx.x * 8; }
    __device__ float2* extreme(int item) const {
        return reinterpret_cast<float2*>(extremes) + static_cast<long long>(item) * QUERIES + threadIdx.x / 16;
    }
};

// The splits of items first to first + count - 1, added in their order: this thread's 8 dims, and the sum of weights.
__device__ void join_splits(const Partials& partials, int first, int count, float (&value)[8], float& sum) {
    float most = LOWEST;
    for (int i = 0; i < count; i++) {
        most = fmaxf(most, __ldcg(partials.extreme(first + i)).x);
    }
    sum = 0;
#pragma unroll
    for (int j = 0; j < 8; j++) {
        value[j] = 0;
    }
#pragma unroll 4
    for (int i = 0; i < count; i++) {
        float2 extreme = __ldcg(partials.extreme(first + i));
        float scale = ex2_approx(extreme.x - most);
        float4 low = __ldcg(reinterpret_cast<const float4*>(partials.at(first + i)));
        float4 high = __ldcg(reinterpret_cast<const float4*>(partials.at(first + i)) + 1);
        const float x[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
        sum += extreme.y * scale;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            value[j] = fmaf(x[j], scale, value[j]);
        }
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(1024) attend_decode_plan(
        const int* cuQ, const int* contextLength, int numSequences, int group, int keyHeads, int* firstItem) {
    __shared__ int sums[1024];
    int share = (numSequences + 1023) / 1024;
    int from = min(numSequences, static_cast<int>(threadIdx.x) * share);
    int to = min(numSequences, from + share);
    auto items = [&](int s) { return (cuQ[s + 1] - cuQ[s]) * group <= QUERIES ? splits_of(contextLength[s]) * keyHeads : 0; };
    int sum = 0;
    for (int s = from; s < to; s++) {
        sum += items(s);
    }
    sums[threadIdx.x] = sum;
    for (int distance = 1; distance < 1024; distance *= 2) {
        __syncthreads();
        int before = static_cast<int>(threadIdx.x) >= distance ? sums[threadIdx.x - distance] : 0;
        __syncthreads();
        sums[threadIdx.x] += before;
    }
    int start = sums[threadIdx.x] - sum;
    for (int s = from; s < to; s++) {
        firstItem[s] = start;
        start += items(s);
    }
    if (threadIdx.x == 1023) {
        firstItem[numSequences] = start;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 3) attend_decode(
        const bf16* q, const bf16* cache, const int* tables, const int* row, const int* cuQ, const int* contextLength,
        const int* firstItem, int numSequences, int tableStride, int queryHeads, int keyHeads, float scale, int outStride,
        float* partial, float* extremes, int* tickets, bf16* out) {
    griddepcontrol_wait();
    extern __shared__ __align__(16) unsigned char shared_memory[];
    float* total = reinterpret_cast<float*>(shared_memory + RING_BYTES);
    auto warpExtremes = reinterpret_cast<float(*)[QUERIES][2]>(total + QUERIES * SUM_STRIDE);
    Batch batch{tables, row, cuQ, contextLength, firstItem, numSequences, tableStride, keyHeads};
    Partials partials{partial, extremes};
    int items = firstItem[numSequences];
    int group = queryHeads / keyHeads;
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    scale *= LOG2E;

    Cursor ahead(batch, items);
    Ring ring(shared_memory);
#pragma unroll
    for (int stage = 0; stage < STAGES; stage++) {
        ring.fetch(cache, ahead, 0, stage);
        ring.fetch(cache, ahead, 1, stage);
        if (ahead.number >= 0) {
            ahead.advance();
        }
    }
    int stage = 0;
    for (int index = blockIdx.x; index < items; index += gridDim.x) {
        Item item = Item::at(batch, index);
        int firstToken = cuQ[item.sequence];
        int numTokens = cuQ[item.sequence + 1] - firstToken;
        int numQueries = numTokens * group;
        unsigned queries[HEAD / 16][2];
        load_queries(q, firstToken, numQueries, item.head, group, queryHeads, queries);
        int visible[2];  // tokens that queries 2t and 2t + 1 see
        for (int c = 0; c < 2; c++) {
            visible[c] = min(item.end, contextLength[item.sequence] - numTokens + (lane % 4 * 2 + c) / group + 1);
        }
        State state;
        state.reset();
        for (int start = item.start + warp * BLOCK; start < item.end; start += WARPS * BLOCK) {
            cp_async_wait<2 * STAGES - 1>();
            __syncwarp();
            float score[4];
            score_block(ring.tile(stage, 0), queries, score);
            __syncwarp();
            ring.fetch(cache, ahead, 0, stage);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                score[j] = start + lane / 4 + j / 2 * 8 < visible[j % 2] ? score[j] * scale : -INFINITY;
            }
            soften(score, state);
            cp_async_wait<2 * STAGES - 1>();
            __syncwarp();
            add_values(ring.tile(stage, 1), score, state);
            __syncwarp();
            ring.fetch(cache, ahead, 1, stage);
            if (ahead.number >= 0) {
                ahead.advance();
            }
            stage = (stage + 1) % STAGES;
        }
        float most;
        float sum;
        join_warps(state, total, warpExtremes, most, sum);
        int query = threadIdx.x / 16;
        float value[8];
#pragma unroll
        for (int j = 0; j < 8; j++) {
            value[j] = total[query * SUM_STRIDE + threadIdx.x % 16 * 8 + j];
        }
        if (item.splits > 1) {
            float4* to = reinterpret_cast<float4*>(partials.at(index));
            __stcg(to, make_float4(value[0], value[1], value[2], value[3]));
            __stcg(to + 1, make_float4(value[4], value[5], value[6], value[7]));
            if (threadIdx.x % 16 == 0) {
                __stcg(partials.extreme(index), make_float2(most, sum));
            }
            __threadfence();
            __syncthreads();
            int last = 0;
            int* ticket = tickets + item.sequence * keyHeads + item.head;
            if (threadIdx.x == 0) {
                last = atomicAdd(ticket, 1) == item.splits - 1;
            }
            if (!__syncthreads_or(last)) {
                continue;
            }
            __threadfence();
            if (threadIdx.x == 0) {
                *ticket = 0;
            }
            join_splits(partials, index - item.split, item.splits, value, sum);
        }
        if (query < numQueries) {
            float inverse = 1 / sum;
#pragma unroll
            for (int j = 0; j < 8; j++) {
                value[j] *= inverse;
            }
            bf16* to = out + static_cast<long long>(firstToken + query / group) * outStride
                       + (item.head * group + query % group) * HEAD + threadIdx.x % 16 * 8;
            Pack<bf16>::from_floats(value).store(to);
        }
    }
    cp_async_wait<0>();
}
