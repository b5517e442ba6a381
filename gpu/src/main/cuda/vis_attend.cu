// Bidirectional attention of the vision tower: each patch sees the patches of its segment, a window or a whole frame.
//   qkv c[P, 3, H, hd]; bounds i[segments+1] in patches -> out c[P, outStride], heads side by side
//
// vis_attend_*: any head size up to 128. Grid: segments * H * tiles of 16 queries of the longest segment.
// vis_attend_80_bf16: tensor cores; tiles of 128 queries. vis_attend_window_80_bf16: segments of at most 64 patches, one tile each.
//
// Blocks are numbered by segment, then head, then tile: neighbours read the same keys. A launch may be a range of them, from
// `firstBlock` on.

#include "flash.cuh"
#include "tiled_attention.cuh"

extern __shared__ __align__(16) unsigned char shared_memory[];

namespace {

constexpr int THREADS = 128;
constexpr int WARPS = THREADS / 32;
constexpr int KEYS = 64;

// One head of one segment, from a tile's first query on.
template <typename C>
struct Segment {
    const C* qkv;  // the head's queries, from the segment's first patch on
    C* out;
    long long stride;   // between patches
    long long part;     // between queries, keys and values
    long long outStride;
    int length;  // patches
    int first;   // query of the tile

    __device__ Segment(
            const C* all, const int* bounds, int firstBlock, int heads, int headDim, int tiles, int tileQueries, int outStride, C* out) {
        const int block = firstBlock + blockIdx.x;
        const int tile = block % tiles;
        const int head = block / tiles % heads;
        const int segment = block / tiles / heads;
        part = heads * headDim;
        stride = 3 * part;
        length = bounds[segment + 1] - bounds[segment];
        first = tile * tileQueries;
        qkv = all + bounds[segment] * stride + head * headDim;
        this->outStride = outStride;
        this->out = out + (long long)bounds[segment] * outStride + head * headDim;
    }

    __device__ int queries() const { return length; }
    __device__ int visible(int) const { return length; }
    __device__ const C* query(int i) const { return qkv + i * stride; }
    __device__ const C* key(int i) const { return qkv + part + i * stride; }
    __device__ const C* value(int i) const { return qkv + 2 * part + i * stride; }
    __device__ C* result(int i) const { return out + i * outStride; }
};

template <typename C>
__device__ void attend(
        const C* qkv, const int* bounds, int firstBlock, int heads, int headDim, int tiles, float scale, int outStride, C* out) {
    const Segment<C> segment(qkv, bounds, firstBlock, heads, headDim, tiles, TILED_QUERIES, outStride, out);
    if (segment.first < segment.length) {
        tiled_attention<C>(segment, segment.first, headDim, scale);
    }
}

// shared[ROWS, FLASH_STRIDE] <- rows that lie `stride` apart; zeros from row `there` on.
template <int HEAD, int ROWS>
__device__ __forceinline__ void load_rows(bf16* shared, const bf16* rows, long long stride, int there) {
    constexpr int CHUNKS = HEAD / 8;
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS; i += THREADS) {
        const int row = (i + threadIdx.x) / CHUNKS;
        const int chunk = (i + threadIdx.x) % CHUNKS;
        const bool valid = row < there;
        cp_async16(shared + row * FLASH_STRIDE<HEAD> + chunk * 8, rows + (valid ? row * stride : 0) + chunk * 8, valid);
    }
}

// TILES * 64 queries against keys in tiles of 64, of which STAGES are in shared memory.
template <int HEAD, int TILES, int STAGES>
__device__ __forceinline__ void attend_fast(
        const bf16* qkv, const int* bounds, int firstBlock, int heads, int tiles, float scale, int outStride, bf16* out) {
    using Warp = Flash<HEAD, TILES, KEYS>;
    constexpr int QUERIES = WARPS * Warp::QUERIES;
    constexpr int TILE = KEYS * Warp::STRIDE;
    bf16* queries = reinterpret_cast<bf16*>(shared_memory);
    bf16* keys = queries + QUERIES * Warp::STRIDE;
    bf16* values = keys + STAGES * TILE;

    const Segment<bf16> segment(qkv, bounds, firstBlock, heads, HEAD, tiles, QUERIES, outStride, out);
    const int length = segment.length;
    if (segment.first >= length) {
        return;
    }
    load_rows<HEAD, QUERIES>(queries, segment.query(segment.first), segment.stride, length - segment.first);
    load_rows<HEAD, KEYS>(keys, segment.key(0), segment.stride, length);
    load_rows<HEAD, KEYS>(values, segment.value(0), segment.stride, length);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();

    bf16* mine = queries + threadIdx.x / 32 * Warp::QUERIES * Warp::STRIDE;
    Warp warp;
    warp.begin(mine, scale);
    for (int start = 0; start < length; start += KEYS) {
        const int stage = start / KEYS % STAGES * TILE;
        if (STAGES > 1 && start + KEYS < length) {
            const int next = start + KEYS;
            const int free = TILE - stage;
            load_rows<HEAD, KEYS>(keys + free, segment.key(next), segment.stride, length - next);
            load_rows<HEAD, KEYS>(values + free, segment.value(next), segment.stride, length - next);
            cp_async_commit();
        }
        warp.tile(keys + stage, values + stage, length - start < KEYS, [=](int) { return length - start; });
        if (STAGES > 1) {
            cp_async_wait<0>();
            __syncthreads();  // the next tile is there, and nobody reads this one any more
        }
    }

    warp.finish(mine);
    constexpr int CHUNKS = HEAD / 8;
    const int row = segment.first + threadIdx.x / 32 * Warp::QUERIES;
#pragma unroll
    for (int i = threadIdx.x % 32; i < Warp::QUERIES * CHUNKS; i += 32) {
        if (row + i / CHUNKS < length) {
            Pack<bf16>::load(mine + i / CHUNKS * Warp::STRIDE + i % CHUNKS * 8)
                    .store(segment.result(row + i / CHUNKS) + i % CHUNKS * 8);
        }
    }
}

}  // namespace

#define VIS_ATTEND(NAME, C)                                                                                            \
    extern "C" __global__ void __launch_bounds__(TILED_THREADS) NAME(                                                  \
            const C* qkv, const int* bounds, int firstBlock, int heads, int headDim, int tiles, float scale, int outStride, \
            C* out) {                                                                                                  \
        attend<C>(qkv, bounds, firstBlock, heads, headDim, tiles, scale, outStride, out);                              \
    }
#define VIS_ATTEND_FAST(NAME, HEAD, TILES, STAGES, BLOCKS)                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) NAME(                                                \
            const bf16* qkv, const int* bounds, int firstBlock, int heads, int tiles, float scale, int outStride, bf16* out) { \
        attend_fast<HEAD, TILES, STAGES>(qkv, bounds, firstBlock, heads, tiles, scale, outStride, out);                \
    }

VIS_ATTEND(vis_attend_bf16, bf16)
VIS_ATTEND(vis_attend_f32, float)
VIS_ATTEND_FAST(vis_attend_80_bf16, 80, 2, 2, 2)
VIS_ATTEND_FAST(vis_attend_window_80_bf16, 80, 1, 1, 4)
