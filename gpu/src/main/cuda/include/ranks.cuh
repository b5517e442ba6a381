// The GPUs that share a model, its ranks. Each has a piece of memory that the kernels of all reach, this table first and laid out alike
// behind it, so that an offset means the same on every rank.
#pragma once

#include "ptx.cuh"

constexpr int MOST_RANKS = 8;
constexpr int MOST_MEETING = 64;  // blocks

struct Shared {
    unsigned arrived[MOST_MEETING][MOST_RANKS];  // how often the block of that number on that rank came here
    unsigned epoch[MOST_MEETING];                // how often this rank's did; in memory, because a graph repeats its arguments
    unsigned char* all[MOST_RANKS];              // every rank's
};

struct Ranks {
    Shared* own;
    int rank, count;
    long long patience;  // nanoseconds
    unsigned* stop;      // on the host, the same for all ranks: not 0 when nobody is to wait any more

    template <typename T>
    __device__ __forceinline__ const T* at(int other, long long offset) const {
        return reinterpret_cast<const T*>(own->all[other] + offset);
    }

    // Looks at the clock and across the bus to the host seldom.
    __device__ void wait_for(const unsigned* arrivals, unsigned epoch) const {
        constexpr int SELDOM = 1024;
        unsigned long long since = 0;
        for (int spin = 1; static_cast<int>(ld_acquire_sys(arrivals) - epoch) < 0; spin++) {
            if (spin % SELDOM != 0) {
                continue;
            }
            if (ld_acquire_sys(stop) != 0) {
                return;
            }
            const unsigned long long now = globaltimer();
            since = since == 0 ? now : since;
            if (now - since > static_cast<unsigned long long>(patience)) {
                st_release_sys(stop, rank + 1);
                return;
            }
            __nanosleep(20);
        }
    }

    // Waits for the blocks of this block's number on all ranks, or until the wait was given up; all threads call it. What they wrote
    // before is seen after. Blocks of one rank do not wait for each other, so none needs another to be resident.
    __device__ void meet() const {
        __syncthreads();
        const unsigned epoch = own->epoch[blockIdx.x] + 1;
        if (threadIdx.x < static_cast<unsigned>(count)) {
            Shared* other = reinterpret_cast<Shared*>(own->all[threadIdx.x]);
            st_release_sys(&other->arrived[blockIdx.x][rank], epoch);
            wait_for(&own->arrived[blockIdx.x][threadIdx.x], epoch);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            own->epoch[blockIdx.x] = epoch;
        }
    }
};
