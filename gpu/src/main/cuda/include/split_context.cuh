// How contexts are cut for attend_decode.cu, and the way of a warp through what its block takes of them.
//
// A context is cut into splits, a split's cache blocks of 16 tokens, the tiles, go to STREAMS streams in turn. What is summed in which
// order follows from that alone, so it does not matter how many warps share the streams of a split, nor who takes it when.
#pragma once

#include "decode_tile.cuh"
#include "search.cuh"

constexpr int STREAMS = 8;
constexpr int SPLIT = 1024;
constexpr int MOST_SPLITS = 32;

// The splits of a context: as even as whole blocks allow, of SPLIT tokens at most unless that made more than MOST_SPLITS.
struct Cut {
    int length, splits;

    __device__ __forceinline__ explicit Cut(int context) {
        int wanted = min(MOST_SPLITS, (context + SPLIT - 1) / SPLIT);
        length = ((context + wanted - 1) / wanted + BLOCK - 1) / BLOCK * BLOCK;
        splits = (context + length - 1) / length;
    }
};

// An item is a split of the context of a sequence's key-value head: its table's row, the tokens from START to END, and whose queries
// attend to it. In memory these are eight integers; a warp holds them in one register, a field a lane.
enum Field { ROW, KEY_HEAD, START, END, FIRST_TOKEN, NUM_TOKENS, CONTEXT, INDEX, FIELDS };

__device__ __forceinline__ int field(int item, Field which) { return __shfl_sync(ALL_LANES, item, which); }

struct Work {
    const int* items;
    int count;
    const int* tables;
    int tableStride;
    int drafts;  // most tokens of a step before another of the same row, each an item's only one

    // The item with that number, or whatever lies behind the last.
    __device__ __forceinline__ int item(int number) const { return items[static_cast<long long>(number) * FIELDS + threadIdx.x % FIELDS]; }
};

// Goes through the tiles that a warp takes: a stream after the other of an item, and item after item. What it must know of an item is
// asked for two items before.
template <int WARPS>
struct Cursor {
    static constexpr int ROUNDS = STREAMS / WARPS;  // streams of a warp
    static constexpr int KNOWN = 32 / ROUNDS;       // tiles of a stream whose cache blocks it knows

    const Work& work;
    int number, item, next, afterNext;  // of the item at hand; it and those that this block takes next
    int blocks, nextBlocks;             // lane KNOWN * round + i: the cache block of tile turn / KNOWN * KNOWN + i of that round's stream
    int tile, end, turn, round;         // the tile at hand: its first token / BLOCK, its item's end, its number in the stream

    __device__ Cursor(const Work& work) : work(work), number(blockIdx.x) {
        item = work.item(number);
        next = work.item(number + gridDim.x);
        afterNext = work.item(number + 2 * gridDim.x);
        blocks = blocks_of(item, number, 0);
        nextBlocks = blocks_of(next, number + gridDim.x, 0);
        enter();
    }

    __device__ __forceinline__ bool done() const { return number >= work.count; }

    // Whether the tile at hand is of tokens surely older than the step.
    __device__ __forceinline__ bool old() const {
        return (tile + 1) * BLOCK <= field(item, CONTEXT) - field(item, NUM_TOKENS) - work.drafts;
    }

    __device__ __forceinline__ Tile at(const bf16* cache, int keyHeads) const {
        int block = __shfl_sync(ALL_LANES, blocks, round * KNOWN + turn % KNOWN);
        const bf16* keys = cache + (static_cast<long long>(block) * 2 * keyHeads + field(item, KEY_HEAD)) * (BLOCK * HEAD);
        return {keys, done() ? 0 : end - tile * BLOCK};
    }

    __device__ __forceinline__ void advance() {
        tile += STREAMS;
        turn++;
        if (tile * BLOCK >= end) {
            bool forgotten = turn > KNOWN;
            turn = 0;
            round++;
            tile = first_tile(item, round);
            if (round == ROUNDS || tile * BLOCK >= end) {
                leave();
                enter();
            } else if (forgotten) {
                blocks = blocks_of(item, number, 0);
            }
        } else if (turn % KNOWN == 0) {
            blocks = blocks_of(item, number, turn);
        }
    }

private:
    __device__ __forceinline__ static int first_tile(int item, int round) {
        return field(item, START) / BLOCK + round * WARPS + static_cast<int>(threadIdx.x) / 32;
    }

    __device__ __forceinline__ int blocks_of(int item, int number, int turn) const {
        int lane = threadIdx.x % 32;
        int tile = first_tile(item, lane / KNOWN) + (turn + lane % KNOWN) * STREAMS;
        bool there = number < work.count && tile * BLOCK < field(item, END);
        const int* table = work.tables + static_cast<long long>(field(item, ROW)) * work.tableStride;
        return there ? table[tile] : 0;
    }

    // To the first item from here on that has a tile for this warp.
    __device__ __forceinline__ void enter() {
        for (; !done(); leave()) {
            round = 0;
            turn = 0;
            tile = first_tile(item, 0);
            end = field(item, END);
            if (tile * BLOCK < end) {
                return;
            }
        }
    }

    __device__ __forceinline__ void leave() {
        number += gridDim.x;
        item = next;
        next = afterNext;
        blocks = nextBlocks;
        if (!done()) {
            afterNext = work.item(number + 2 * gridDim.x);
            nextBlocks = blocks_of(next, number + gridDim.x, 0);
        }
    }
};
