// Attention of the newest tokens of each sequence: the fast case for bf16, head size 128, at most 8 queries a key-value head
// (query heads that share it times new tokens). q bf16[T, Hq, 128]; cache bf16[block, 2, Hk, 16, 128]; tables i[rows, tableStride];
// row i[S]; cuQ i[S+1]; contextLength i[S] -> out bf16[T, outStride]. Sequences with more queries are left to attend_prefill.cu.
//
//   attend_decode_plan  firstItem i[S+1] <- where each sequence's items start; items i[., 8] <- those of split_context.cuh
//   attend_decode_N     blocks of N warps take items in turn; for each query, the last to finish a split combines them in their order
//
// A stream is an online softmax over its tiles, of which a warp has two at a time in its registers or on their way there. Scratch:
// partial f32[items, 8, 128], extremes f32[items, 8, 2], tickets i[items, 8], zero before and after; items has room for 4 * gridDim.x
// more, which are read, not used. Dynamic shared memory: 68,608 bytes.

#include "decode_tile.cuh"
#include "split_context.cuh"

extern __shared__ __align__(16) unsigned char shared_memory[];

namespace {

constexpr int AHEAD = 2;                    // tiles on their way to a warp, or met
constexpr int SUM_STRIDE = HEAD + 4;        // floats
constexpr int PIECES = QUERIES * HEAD / 4;  // 16 bytes of a result in fp32; a warp has a query's
constexpr int JOINED = 16;                  // splits that are read at a time
constexpr float LOG2E = 1.4426950408889634f;

// What a split's streams have attended to.
struct Sums {
    float attended[STREAMS][QUERIES][SUM_STRIDE];
    float2 extremes[STREAMS][QUERIES];  // largest score, sum of weights

    __device__ __forceinline__ void put(int stream, const State& state) {
        int lane = threadIdx.x % 32;
#pragma unroll
        for (int c = 0; c < 2; c++) {
            int query = lane % 4 * 2 + c;
            float sum = state.sum[c];
            sum += __shfl_xor_sync(ALL_LANES, sum, 4);
            sum += __shfl_xor_sync(ALL_LANES, sum, 8);
            sum += __shfl_xor_sync(ALL_LANES, sum, 16);
            if (lane < 4) {
                extremes[stream][query] = make_float2(state.most[c], sum);
            }
#pragma unroll
            for (int i = 0; i < HEAD / 16; i += 2) {
                const float(&x)[4] = state.attended[i];
                const float(&y)[4] = state.attended[i + 1];
                float* to = &attended[stream][query][i / 4 * (HEAD / 2) + lane / 4 * 8 + i % 4 * 2];
                *reinterpret_cast<float4*>(to) = make_float4(x[c], x[c + 2], y[c], y[c + 2]);
            }
        }
    }
};

// Adds what splits or streams attended to, in their order, in the measure of the largest score of all.
struct Total {
    float4 value;
    float most, sum;

    __device__ __forceinline__ explicit Total(float most) : value(make_float4(0, 0, 0, 0)), most(most), sum(0) {}

    __device__ __forceinline__ void add(const float4& x, const float2& extreme) {
        float scale = ex2_approx(extreme.x - most);
        sum = fmaf(extreme.y, scale, sum);
        value.x = fmaf(x.x, scale, value.x);
        value.y = fmaf(x.y, scale, value.y);
        value.z = fmaf(x.z, scale, value.z);
        value.w = fmaf(x.w, scale, value.w);
    }
};

// Four dims, this lane's, of a query's streams.
__device__ __forceinline__ Total join_streams(const Sums& sums, int query) {
    float most = LOWEST;
#pragma unroll
    for (int i = 0; i < STREAMS; i++) {
        most = fmaxf(most, sums.extremes[i][query].x);
    }
    Total total(most);
#pragma unroll
    for (int i = 0; i < STREAMS; i++) {
        total.add(*reinterpret_cast<const float4*>(&sums.attended[i][query][threadIdx.x % 32 * 4]), sums.extremes[i][query]);
    }
    return total;
}

// What splits leave for the one that is the last to end.
struct Partials {
    float4* attended;  // [items, QUERIES, HEAD / 4]
    float2* extremes;  // [items, QUERIES]
    int* tickets;      // [items, QUERIES]; those of the first split count the ended ones

    // Puts a split's query and says whether it was the last one. Called by whole warps.
    __device__ __forceinline__ bool put(int item, int firstItem, int splits, int query, const Total& total) const {
        int lane = threadIdx.x % 32;
        __stcg(attended + static_cast<long long>(item) * PIECES + query * 32 + lane, total.value);
        int last = 0;
        if (lane == 0) {
            __stcg(extremes + item * QUERIES + query, make_float2(total.most, total.sum));
        }
        __syncwarp();
        if (lane == 0) {
            int* ticket = tickets + firstItem * QUERIES + query;
            __threadfence();
            last = atomicAdd(ticket, 1) == splits - 1;
            if (last) {
                *ticket = 0;
                __threadfence();
            }
        }
        return __shfl_sync(ALL_LANES, last, 0);
    }

    // Four dims, this lane's, of a query in all splits of a key-value head, whose items lie `apart`.
    __device__ __forceinline__ Total join(int firstItem, int apart, int splits, int query) const {
        int lane = threadIdx.x % 32;
        float2 its = make_float2(LOWEST, 0);
        if (lane < splits) {
            its = __ldcg(extremes + (firstItem + lane * apart) * QUERIES + query);
        }
        Total total(warp_max(its.x));
        const float4* from = attended + static_cast<long long>(firstItem) * PIECES + query * 32 + lane;
        for (int first = 0; first < splits; first += JOINED) {
            float4 x[JOINED];
#pragma unroll
            for (int i = 0; i < JOINED; i++) {
                int split = min(first + i, splits - 1);
                x[i] = __ldcg(from + static_cast<long long>(split) * apart * PIECES);
            }
#pragma unroll
            for (int i = 0; i < JOINED; i++) {
                float2 extreme = make_float2(
                        __shfl_sync(ALL_LANES, its.x, (first + i) % 32), __shfl_sync(ALL_LANES, its.y, (first + i) % 32));
                if (first + i < splits) {
                    total.add(x[i], extreme);
                }
            }
        }
        return total;
    }
};

template <int WARPS>
__device__ __forceinline__ void attend_decode(
        const bf16* q, const bf16* cache, const Work& work, int queryHeads, int keyHeads, float scale, const Partials& partials,
        int outStride, bf16* out) {
    Sums* sums = reinterpret_cast<Sums*>(shared_memory);
    int group = queryHeads / keyHeads;
    int toValues = keyHeads * (BLOCK * HEAD);
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    scale *= LOG2E;

    // Items and tables are the step's, and other tokens older: the kernel ahead writes only queries, and the newest keys and values.
    Cursor<WARPS> ahead(work);
    Keys keys[AHEAD];
    Values values[AHEAD];
    Tile first[AHEAD];
    bool early[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
        first[i] = ahead.at(cache, keyHeads);
        early[i] = first[i].valid > 0 && ahead.old();
        if (early[i]) {
            keys[i].load(first[i].keys);
            values[i].load(first[i].keys + toValues, BLOCK);
        }
        if (first[i].valid > 0) {
            ahead.advance();
        }
    }
    griddepcontrol_wait();
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
        if (!early[i] && first[i].valid > 0) {
            keys[i].load(first[i].keys);
            values[i].load(first[i].keys + toValues, first[i].valid);
        }
    }
    int number = blockIdx.x;
    int item = work.item(number);
    Queries queries;
    auto ask = [&] {
        if (number < work.count) {
            int count = field(item, NUM_TOKENS) * group;
            queries.load(q, field(item, FIRST_TOKEN), field(item, KEY_HEAD) * group, count, group, queryHeads);
        }
    };
    ask();
    bool odd = false;  // of this warp's tiles so far
    for (int parity = 0; number < work.count; parity ^= 1) {
        int next = work.item(number + gridDim.x);
        int end = field(item, END);
        int numTokens = field(item, NUM_TOKENS);
        int visible[2];  // tokens that queries 2t and 2t + 1 see
#pragma unroll
        for (int c = 0; c < 2; c++) {
            visible[c] = min(end, field(item, CONTEXT) - numTokens + (lane % 4 * 2 + c) / group + 1);
        }
        for (int stream = warp; stream < STREAMS; stream += WARPS) {
            State state;
            state.reset();
            for (int start = field(item, START) + stream * BLOCK; start < end; start += STREAMS * BLOCK) {
                auto meet = [&](Keys& itsKeys, Values& itsValues) {
                    float score[4];
                    itsKeys.score(queries, score);
                    Tile tile = ahead.at(cache, keyHeads);
                    if (tile.valid > 0) {
                        itsKeys.load(tile.keys);
                    }
#pragma unroll
                    for (int j = 0; j < 4; j++) {
                        score[j] = start + lane / 4 + j / 2 * 8 < visible[j % 2] ? score[j] * scale : -INFINITY;
                    }
                    state.soften(score);
                    itsValues.add(score, state);
                    if (tile.valid > 0) {
                        itsValues.load(tile.keys + toValues, tile.valid);
                        ahead.advance();
                    }
                };
                if (odd) {
                    meet(keys[1], values[1]);
                } else {
                    meet(keys[0], values[0]);
                }
                odd = !odd;
            }
            sums[parity].put(stream, state);
        }
        int firstToken = field(item, FIRST_TOKEN);
        int firstHead = field(item, KEY_HEAD) * group;
        int firstItem = number - field(item, INDEX) * keyHeads;
        int splits = Cut(field(item, CONTEXT)).splits;
        int mine = number;
        item = next;
        number += gridDim.x;
        ask();
        __syncthreads();  // the other parity's sums have been read, too, when all are here
        for (int query = warp; query < numTokens * group; query += WARPS) {
            Total total = join_streams(sums[parity], query);
            if (splits > 1) {
                if (!partials.put(mine, firstItem, splits, query, total)) {
                    continue;
                }
                total = partials.join(firstItem, keyHeads, splits, query);
            }
            float inverse = 1 / total.sum;
            bf16* to = out + static_cast<long long>(firstToken + query / group) * outStride + (firstHead + query % group) * HEAD + lane * 4;
            *reinterpret_cast<uint2*>(to) = make_uint2(
                    bf16x2_bits(total.value.x * inverse, total.value.y * inverse),
                    bf16x2_bits(total.value.z * inverse, total.value.w * inverse));
        }
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(1024) attend_decode_plan(
        const int* row, const int* cuQ, const int* contextLength, int numSequences, int group, int keyHeads, int* firstItem, int* items) {
    __shared__ int sums[1024];
    int share = (numSequences + 1023) / 1024;
    int from = min(numSequences, static_cast<int>(threadIdx.x) * share);
    int to = min(numSequences, from + share);
    auto count = [&](int s) { return (cuQ[s + 1] - cuQ[s]) * group <= QUERIES ? Cut(contextLength[s]).splits * keyHeads : 0; };
    int sum = 0;
    for (int s = from; s < to; s++) {
        sum += count(s);
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
        start += count(s);
    }
    if (threadIdx.x == 1023) {
        firstItem[numSequences] = start;
    }
    __syncthreads();
    int all = firstItem[numSequences];
    for (int i = threadIdx.x; i < all; i += 1024) {
        // sequences without items share their start with the next one, so the last that starts here has some
        int s = last_at_most(firstItem, numSequences, i);
        int context = contextLength[s];
        Cut cut(context);
        int head = (i - firstItem[s]) % keyHeads;
        int split = (i - firstItem[s]) / keyHeads;
        int4* item = reinterpret_cast<int4*>(items) + 2 * i;
        item[0] = make_int4(row[s], head, split * cut.length, min(context, (split + 1) * cut.length));
        item[1] = make_int4(cuQ[s], cuQ[s + 1] - cuQ[s], context, split);
    }
}

#define ATTEND_DECODE(NAME, WARPS, RESIDENT) \
    extern "C" __global__ void __launch_bounds__(32 * WARPS, RESIDENT) NAME( \
            const bf16* q, const bf16* cache, const int* tables, const int* firstItem, const int* items, int numSequences, \
            int drafts, int tableStride, int queryHeads, int keyHeads, float scale, int outStride, float* partial, float* extremes, int* tickets, \
            bf16* out) { \
        Work work{items, firstItem[numSequences], tables, tableStride, drafts}; \
        Partials partials{reinterpret_cast<float4*>(partial), reinterpret_cast<float2*>(extremes), tickets}; \
        attend_decode<WARPS>(q, cache, work, queryHeads, keyHeads, scale, partials, outStride, out); \
    }

ATTEND_DECODE(attend_decode_4, 4, 2)
ATTEND_DECODE(attend_decode_8, 8, 1)
