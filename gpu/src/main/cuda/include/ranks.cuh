// The GPUs that share a model, its ranks. Each has a piece of memory that the kernels of all reach, this table first and laid out alike
// behind it, so that an offset means the same on every rank.
#pragma once

#include "ptx.cuh"

constexpr int MOST_RANKS = 8;
constexpr int MOST_MEETING = 64;      // blocks
constexpr int MOST_PUSHED = 1 << 16;  // packs of 16 bytes

struct Shared {
    unsigned arrived[MOST_MEETING][MOST_RANKS];  // how often the block of that number on that rank came here
    unsigned epoch[MOST_MEETING];                // how often this rank's did, or pushed; in memory, because a graph repeats its arguments
    unsigned char* all[MOST_RANKS];              // every rank's
};
constexpr int TABLE = 4096;  // bytes; behind it the inbox, Letter[2][ranks][MOST_PUSHED]

// 16 bytes on their way to another rank. Each four have the sender's epoch beside them in the same 8, so that who finds the one has the
// other, and nothing else needs to be waited for.
struct Letter {
    unsigned long long halves[4];

    __device__ __forceinline__ void write(uint4 v, unsigned epoch) {
        const unsigned long long tag = static_cast<unsigned long long>(epoch) << 32;
        st_relaxed_sys(halves, tag | v.x, tag | v.y);
        st_relaxed_sys(halves + 2, tag | v.z, tag | v.w);
    }

    // Whether all of it is of that epoch.
    __device__ __forceinline__ bool read(uint4& v, unsigned epoch) const {
        unsigned long long a, b, c, d;
        ld_relaxed_sys(halves, a, b);
        ld_relaxed_sys(halves + 2, c, d);
        v = make_uint4(static_cast<unsigned>(a), static_cast<unsigned>(b), static_cast<unsigned>(c), static_cast<unsigned>(d));
        return (a >> 32) == epoch && (b >> 32) == epoch && (c >> 32) == epoch && (d >> 32) == epoch;
    }
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

    // Looks until it finds, or until the wait was given up. Looks at the clock and across the bus to the host seldom.
    template <typename Look>
    __device__ __forceinline__ void wait_until(Look look) const {
        constexpr int SELDOM = 128;
        unsigned long long since = 0;
        for (int looks = 1; !look(); looks++) {
            if (looks % SELDOM != 0) {
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

    // The number of what this block does next with the blocks of its number on all ranks. Before it does what comes after that, all
    // threads of this block have asked, and the block has ended this one.
    __device__ __forceinline__ unsigned begin() const { return own->epoch[blockIdx.x] + 1; }
    __device__ __forceinline__ void end(unsigned epoch) const {
        if (threadIdx.x == 0) {
            own->epoch[blockIdx.x] = epoch;
        }
    }

    // Waits for the blocks of this block's number on all ranks, or until the wait was given up; all threads call it. What they wrote
    // before is seen after. Blocks of one rank do not wait for each other, so none needs another to be resident.
    __device__ void meet() const {
        __syncthreads();
        const unsigned epoch = begin();
        if (threadIdx.x < static_cast<unsigned>(count)) {
            Shared* other = reinterpret_cast<Shared*>(own->all[threadIdx.x]);
            st_release_sys(&other->arrived[blockIdx.x][rank], epoch);
            const unsigned* arrivals = &own->arrived[blockIdx.x][threadIdx.x];
            wait_until([&] { return static_cast<int>(ld_acquire_sys(arrivals) - epoch) >= 0; });
        }
        __syncthreads();
        end(epoch);
    }

    // Where a rank finds what a block of another pushed in that epoch. It is written again two epochs later: who pushes or meets then has
    // heard of the one between from all others, and so has their block ended this one.
    __device__ __forceinline__ Letter* inbox(int of, int from, unsigned epoch) const {
        return reinterpret_cast<Letter*>(own->all[of] + TABLE) + static_cast<long long>((epoch & 1) * count + from) * MOST_PUSHED;
    }
};
