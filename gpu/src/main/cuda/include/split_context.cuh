// Keys and values of split contexts on their way through shared memory: how a context is cut into items, which cache blocks of
// 16 tokens a warp takes, and the ring of stages that it fills for itself.
#pragma once

#include "scalar.cuh"
#include "search.cuh"

constexpr int WARPS = 4;
constexpr int THREADS = 32 * WARPS;
constexpr int QUERIES = 8;
constexpr int HEAD = 128;
constexpr int BLOCK = 16;                          // tokens of a cache block
constexpr int TILE_BYTES = BLOCK * HEAD * 2;       // keys, or values, of a block and a head
constexpr int STAGES = 2;                          // blocks that a warp has room for
constexpr int RING_BYTES = WARPS * STAGES * 2 * TILE_BYTES;
constexpr int SPLIT = 256;
constexpr int MOST_SPLITS = 32;

// Tokens of a split: SPLIT, or as many as make MOST_SPLITS; a multiple of what the warps take at a time.
__device__ __forceinline__ int split_length(int context) {
    int length = (context + MOST_SPLITS - 1) / MOST_SPLITS;
    return max(SPLIT, (length + WARPS * BLOCK - 1) / (WARPS * BLOCK) * (WARPS * BLOCK));
}
__device__ __forceinline__ int splits_of(int context) { return (context + split_length(context) - 1) / split_length(context); }

struct Batch {
    const int *tables, *row, *cuQ, *contextLength, *firstItem;
    int numSequences, tableStride, keyHeads;
};

// One item: tokens from start to end of a sequence's context, for one key-value head.
struct Item {
    int sequence, head, split, splits, start, end;

    __device__ static Item at(const Batch& batch, int index) {
        Item item;
        // sequences without items share their start with the next one, so the last that starts here has some
        item.sequence = last_at_most(batch.firstItem, batch.numSequences, index);
        int context = batch.contextLength[item.sequence];
        int length = split_length(context);
        item.splits = (context + length - 1) / length;
        int within = index - batch.firstItem[item.sequence];
        item.head = within / item.splits;
        item.split = within % item.splits;
        item.start = item.split * length;
        item.end = min(context, item.start + length);
        return item;
    }
};

// Goes through the cache blocks that a warp takes, item after item, one block's number ahead.
struct Cursor {
    const Batch& batch;
    int items, item, block, end, head;
    const int* table;
    int number;  // of the block at hand, or -1: all done

    __device__ Cursor(const Batch& batch, int items) : batch(batch), items(items), item(blockIdx.x) { enter(); }

    __device__ void enter() {
        number = -1;
        for (; item < items; item += gridDim.x) {
            Item at = Item::at(batch, item);
            block = at.start / BLOCK + static_cast<int>(threadIdx.x) / 32;
            end = at.end;
            if (block * BLOCK < end) {
                head = at.head;
                table = batch.tables + static_cast<long long>(batch.row[at.sequence]) * batch.tableStride;
                number = table[block];
                return;
            }
        }
    }

    __device__ __forceinline__ void advance() {
        block += WARPS;
        if (block * BLOCK < end) {
            number = table[block];
        } else {
            item += gridDim.x;
            enter();
        }
    }
};

// This warp's stages. Rows of 16 chunks of 16 bytes; a row's chunks are permuted so that ldmatrix meets no bank twice.
struct Ring {
    unsigned char* stages;
    int lane;

    __device__ Ring(unsigned char* shared) : stages(shared + threadIdx.x / 32 * (STAGES * 2 * TILE_BYTES)), lane(threadIdx.x % 32) {}

    __device__ __forceinline__ unsigned char* tile(int stage, int part) const { return stages + (stage * 2 + part) * TILE_BYTES; }

    static __device__ __forceinline__ int place(int row, int chunk) { return row * (HEAD * 2) + ((chunk ^ (row & 7)) * 16); }

    // Begins to copy a block's keys (part 0) or values (part 1), zeros for tokens behind the context, whose memory may hold NaN that
    // no weight of zero undoes; one group a call, empty where there is no block.
    __device__ __forceinline__ void fetch(const bf16* cache, const Cursor& from, int part, int stage) const {
        if (from.number >= 0) {
            const bf16* source =
                    cache + ((static_cast<long long>(from.number) * 2 + part) * from.batch.keyHeads + from.head) * (BLOCK * HEAD);
            unsigned char* to = tile(stage, part);
#pragma unroll
            for (int i = 0; i < TILE_BYTES / 16 / 32; i++) {
                int piece = i * 32 + lane;
                bool valid = from.block * BLOCK + piece / 16 < from.end;
                cp_async16(to + place(piece / 16, piece % 16), source + piece * 8, valid);
            }
        }
        cp_async_commit();
    }
};
