// sample_rows: carries out commands on rows, a block a command: table i[commands, 4] of (row, kind, first word, words) and their
// words. RESET comes in a launch of its own before the commands that fill the row again, as blocks run in any order. Ids outside
// the vocabulary are passed over.

#include "row_state.cuh"

namespace {

constexpr int THREADS = 256;

// RESET: FIELDS fields, of which LAST_TOKEN is no field of the row. PROMPT, OUTPUT and the bitmaps' kinds: token ids. BIAS: ids,
// then as many floats. BAN_ONCE: ids that the next draw may not choose.
enum Kind { RESET, PROMPT, OUTPUT, ALLOW, BAN, STOP_AT, BIAS, BAN_ONCE };
constexpr int LAST_TOKEN = 15;

__device__ void reset(const Rows& rows, int row, const int* fields, int* lastTokens) {
    unsigned* bitmap = rows.bitmap(row, 0);
    for (int i = threadIdx.x; i < BITMAPS * rows.words(); i += THREADS) {
        bitmap[i] = 0;
    }
    if ((fields[FLAGS] & COUNTED) != 0) {
        for (int i = threadIdx.x; i < rows.vocabulary; i += THREADS) {
            rows.count(row)[i] = 0;
        }
    }
    if (threadIdx.x < LAST_TOKEN) {
        rows.fields[row * FIELDS + threadIdx.x] = fields[threadIdx.x];
    } else if (threadIdx.x == LAST_TOKEN) {
        lastTokens[row] = fields[LAST_TOKEN];
    }
}

__device__ void mark(const Rows& rows, int row, int bitmap, const int* ids, int count) {
    for (int i = threadIdx.x; i < count; i += THREADS) {
        if (ids[i] >= 0 && ids[i] < rows.vocabulary) {
            atomicOr(&rows.bitmap(row, bitmap)[ids[i] / 32], 1u << ids[i] % 32);
        }
    }
}

__device__ void add_outputs(const Rows& rows, int row, const int* ids, int count) {
    for (int i = threadIdx.x; i < count; i += THREADS) {
        if (ids[i] >= 0 && ids[i] < rows.vocabulary) {
            atomicAdd(&rows.count(row)[ids[i]], 1u);
        }
    }
}

__device__ void set_biases(const Rows& rows, int row, const int* ids, const int* values, int count) {
    for (int i = threadIdx.x; i < count; i += THREADS) {
        if (ids[i] >= 0 && ids[i] < rows.vocabulary) {
            rows.bias(row)[ids[i]] = __int_as_float(values[i]);
        }
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(THREADS) sample_rows(
        const int4* table, const int* words, int* fields, unsigned* bitmaps, unsigned* counts, float* biases, int vocabulary,
        int* lastTokens) {
    Rows rows{fields, bitmaps, counts, biases, vocabulary};
    int row = table[blockIdx.x].x;
    const int* ids = words + table[blockIdx.x].z;
    int count = table[blockIdx.x].w;
    switch (table[blockIdx.x].y) {
        case RESET:
            reset(rows, row, ids, lastTokens);
            break;
        case PROMPT:
            mark(rows, row, SEEN, ids, count);
            break;
        case OUTPUT:
            mark(rows, row, SEEN, ids, count);
            add_outputs(rows, row, ids, count);
            break;
        case ALLOW:
            mark(rows, row, ALLOWED, ids, count);
            break;
        case BAN:
            mark(rows, row, BANNED, ids, count);
            break;
        case STOP_AT:
            mark(rows, row, STOP, ids, count);
            break;
        case BIAS:
            mark(rows, row, BIASED, ids, count / 2);
            set_biases(rows, row, ids, ids + count / 2, count / 2);
            break;
        case BAN_ONCE:
            mark(rows, row, DRAW_BANNED, ids, count);
            if (threadIdx.x == 0) {
                atomicOr(&fields[row * FIELDS + FLAGS], HAS << DRAW_BANNED);
            }
            break;
    }
}
