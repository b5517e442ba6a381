// Kernels that show what the emulator does, right and wrong ones.
#include "pipeline.cuh"
#include "scalar.cuh"
#include "warp.cuh"

extern "C" __global__ void __launch_bounds__(256) reverse(int* y, const int* x, int n) {
    __shared__ int tile[256];
    tile[threadIdx.x] = x[blockIdx.x * 256 + threadIdx.x];
    __syncthreads();
    y[blockIdx.x * 256 + threadIdx.x] = tile[255 - threadIdx.x] + n;
}
extern "C" __global__ void __launch_bounds__(256) reverse_without_barrier(int* y, const int* x) {
    __shared__ int tile[256];
    tile[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = tile[255 - threadIdx.x];
}
extern "C" __global__ void write_at(int* y, long long i, int value) { y[i] = value; }
extern "C" __global__ void read_at(int* y, const int* x, long long i) { y[0] = x[i]; }
extern "C" __global__ void misaligned(int* y, const unsigned char* x) { y[0] = *reinterpret_cast<const int*>(x + 1); }
extern "C" __global__ void shared_bounds(int* y, int i) {
    __shared__ int tile[8];
    tile[i] = 1;
    y[0] = tile[i];
}
extern "C" __global__ void divergent_barrier(int* y) {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    y[0] = 1;
}
extern "C" __global__ void ended_lane(int* y) {
    if (threadIdx.x == 7) return;
    y[threadIdx.x] = __shfl_xor_sync(ALL_LANES, 1, 1);
}
extern "C" __global__ void deadlock(int* y) {
    if (threadIdx.x == 32) __syncwarp();
    __syncthreads();
    y[0] = 1;
}
extern "C" __global__ void deep(int* y, int n) {
    volatile char big[128 * 1024];
    big[n] = 1;
    y[0] = big[n];
}
extern "C" __global__ void behind_dynamic(int i) {
    extern __shared__ __align__(16) unsigned char shared_memory[];
    shared_memory[i] = 1;
}

extern "C" __global__ void __launch_bounds__(96) collectives(int* y, float* sums) {
    const int i = threadIdx.x, lane = i % 32;
    y[i] = __shfl_sync(ALL_LANES, i, 3);
    y[96 + i] = __shfl_up_sync(ALL_LANES, i, 1);
    y[192 + i] = __shfl_down_sync(ALL_LANES, i, 2, 16);
    y[288 + i] = __shfl_xor_sync(ALL_LANES, i, 5);
    y[384 + i] = static_cast<int>(__ballot_sync(ALL_LANES, lane % 3 == 0));
    y[480 + i] = __syncthreads_count(i < 40) * 4 + (__syncthreads_or(i == 95) ? 2 : 0) + (__syncthreads_and(i < 95) ? 1 : 0);
    sums[i] = block_sum<96>(static_cast<float>(i));
    sums[96 + i] = block_max<96>(static_cast<float>((i * 37) % 96));
    y[576 + i] = static_cast<int>(__any_sync(ALL_LANES, i == 64)) * 2 + __all_sync(ALL_LANES, i < 64);
    unsigned long long wide = __shfl_sync(ALL_LANES, (1ull << 40) + i, 31);
    y[672 + i] = static_cast<int>(wide >> 40) + static_cast<int>(wide & 0xff);
}

// D[16,8] = A[16,16]·B[16,8] by ldmatrix and mma; A row-major, B row-major (through .trans) or column-major.
extern "C" __global__ void __launch_bounds__(32) tile_product(float* d, const bf16* a, const bf16* b, int bColumns) {
    extern __shared__ __align__(16) unsigned char shared_memory[];
    bf16* as = reinterpret_cast<bf16*>(shared_memory);
    bf16* bs = as + 256;
    const int lane = threadIdx.x;
    cp_async16(as + 8 * lane, a + 8 * lane);
    cp_async_commit();
    if (lane < 16) cp_async16(bs + 8 * lane, b + 8 * lane);
    cp_async_commit();
    cp_async_wait<0>();
    __syncwarp();
    unsigned ar[4], br[2];
    float c[4] = {};
    ldmatrix_x4(ar, as + lane % 16 * 16 + lane / 16 * 8);
    if (bColumns) {
        ldmatrix_x2(br, bs + lane % 8 * 16 + lane / 8 % 2 * 8);
    } else {
        ldmatrix_x2_trans(br, bs + lane % 16 * 8);
    }
    mma_m16n8k16_bf16(c, ar, br);
    for (int i = 0; i < 4; i++) d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = c[i];
}
// mma on raw registers: lane l's are a[4l..], b[2l..] and d[4l..], the last also the sums to begin with.
extern "C" __global__ void __launch_bounds__(32) fragment_product(float* d, const unsigned* a, const unsigned* b) {
    const int lane = threadIdx.x;
    const unsigned ar[4] = {a[4 * lane], a[4 * lane + 1], a[4 * lane + 2], a[4 * lane + 3]}, br[2] = {b[2 * lane], b[2 * lane + 1]};
    float c[4] = {d[4 * lane], d[4 * lane + 1], d[4 * lane + 2], d[4 * lane + 3]};
    mma_m16n8k16_bf16(c, ar, br);
    for (int i = 0; i < 4; i++) d[4 * lane + i] = c[i];
}
// The raw registers of ldmatrix on tiles whose element (tile, row, column) is 64 * tile + 8 * row + column.
extern "C" __global__ void __launch_bounds__(32) tile_registers(unsigned* plain, unsigned* transposed) {
    __shared__ __align__(16) unsigned short tiles[256];
    for (int i = threadIdx.x; i < 256; i += 32) tiles[i] = static_cast<unsigned short>(i);
    __syncwarp();
    unsigned r[4];
    ldmatrix_x4(r, tiles + 8 * threadIdx.x);
    for (int i = 0; i < 4; i++) plain[4 * threadIdx.x + i] = r[i];
    ldmatrix_x4_trans(r, tiles + 8 * threadIdx.x);
    for (int i = 0; i < 4; i++) transposed[4 * threadIdx.x + i] = r[i];
}
extern "C" __global__ void __launch_bounds__(32) copy_without_wait(int* y, const int* x) {
    __shared__ __align__(16) int tile[128];
    cp_async16(tile + 4 * threadIdx.x, x + 4 * threadIdx.x);
    cp_async_commit();
    cp_async_wait<1>();
    __syncwarp();
    y[threadIdx.x] = tile[threadIdx.x];
}

// What lies in shared memory before a bulk copy is waited for, and after it, each if wanted; `arrivals` at a barrier made for one.
extern "C" __global__ void __launch_bounds__(32) copy_in_bulk(int* before, int* after, const int* x, int arrivals) {
    __shared__ __align__(16) int tile[32];
    __shared__ Mbarrier barrier;
    if (threadIdx.x == 0) {
        mbarrier_init(&barrier, 1);
        mbarrier_arrive_expecting(&barrier, 128);
        bulk_copy(tile, x, 128, &barrier);
        for (int i = 1; i < arrivals; i++) mbarrier_arrive(&barrier);
    }
    __syncthreads();
    before[threadIdx.x] = tile[threadIdx.x];
    __syncthreads();
    if (after) {
        mbarrier_wait(&barrier, 0);
        after[threadIdx.x] = tile[threadIdx.x];
    }
}

// Two operations of one element that do not commute, to see order.
extern "C" __global__ void twice(int* y) { y[threadIdx.x] *= 2; }
extern "C" __global__ void plus_one(int* y) { y[threadIdx.x] += 1; }

// Each of two devices tells the other that it is there, and waits for it.
extern "C" __global__ void meet(volatile int* theirs, volatile int* mine, int* y) {
    *theirs = 1;
    while (*mine == 0) __nanosleep(20);
    y[0] = 1;
}

extern "C" __global__ void plus_one_after_grid(int* y) {
    griddepcontrol_wait();
    y[threadIdx.x] += 1;
}
