// min-p, top-k and top-p of a row: which of its values may be drawn. All three keep the largest values, so each is a threshold: of
// min-p by the distance from the largest, of the others by bins first and then, among the values of one bin or a few, exactly.
#pragma once

#include "chunk.cuh"
#include "draw.cuh"
#include "row_state.cuh"

constexpr int ROW_THREADS = 512;
constexpr int PER_THREAD = LIST / ROW_THREADS;
constexpr int KEY_DIGITS = 3;  // of a key, those that hold the value (and one bit of the id)
constexpr int ALL_DIGITS = 5;

// Values in bins before first are kept, those in bins after last are not. base is the count (top-k) or mass (top-p) before first.
struct Bounds {
    int first, last;
    u64 base, total;
};

// Which values a row's filters keep, and how.
struct Filter {
    float max;
    int topK;
    float topP;
    double minP, leastDistance;

    __device__ static Filter of(const Rows& rows, int row, float max) {
        Filter f;
        f.max = max;
        f.topK = rows.field(row, TOP_K);
        f.topP = rows.real(row, TOP_P);
        f.minP = rows.real(row, MIN_P);
        f.leastDistance = f.minP > 0 ? logarithm(fmax(f.minP, 1e-300)) : -__builtin_inf();
        return f;
    }

    __device__ bool binned() const { return topK > 0 || topP < 1; }
    __device__ bool byMass() const { return topK == 0; }

    // The least mass that top-p may keep of a total.
    __device__ u64 wanted(u64 total) const {
        u64 mass = static_cast<u64>(ceil(topP * static_cast<double>(total)));
        return mass > 0 ? mass : 1;
    }

    // Whether min-p keeps a value; false for NaN. The exponential only where the logarithms are too close to tell.
    __device__ __forceinline__ bool admits(float x) const {
        if (minP <= 0) {
            return x == x;
        }
        double distance = static_cast<double>(x) - max;
        if (fabs(distance - leastDistance) < 1e-9) {
            return exponential(distance) >= minP;
        }
        return distance > leastDistance;
    }
};

// The keys of values that lie in the bins between the bounds: from the list, or where that ran over from the logits.
struct Source {
    const View& view;
    const Filter& filter;
    Bounds bounds;
    const u64* list;
    int length;

    __device__ bool listed() const { return length <= LIST; }

    __device__ bool holds(float x) const {
        if (!filter.admits(x)) {
            return false;
        }
        int bin = bin_of(x, filter.max);
        return bin >= bounds.first && bin <= bounds.last;
    }

    template <typename Visit>
    __device__ void each(Visit visit) const {
        if (listed()) {
            for (int i = threadIdx.x; i < length; i += ROW_THREADS) {
                visit(list[i]);
            }
            return;
        }
        for (int first = 4 * threadIdx.x; first < view.size; first += 4 * ROW_THREADS) {
            float x[4];
            view.pack(first, x);
            for (int i = 0; i < 4; i++) {
                if (holds(x[i])) {
                    visit(key_of(x[i], first + i));
                }
            }
        }
    }

    // The best of the keys at and above the threshold.
    __device__ void draw(const Noise& noise, u64 threshold, Best& best) const {
        int tiles = listed() ? 1 : (view.size + LIST - 1) / LIST;
        for (int tile = 0; tile < tiles; tile++) {
            Contest<ROW_THREADS, PER_THREAD> contest;
            int id[PER_THREAD];
#pragma unroll
            for (int j = 0; j < PER_THREAD; j += 4) {
                float x[4];
                if (listed()) {
                    take(j, x, id);
                } else {
                    int first = tile * LIST + (j / 4 * ROW_THREADS + threadIdx.x) * 4;
                    view.pack(first, x);
                    for (int i = 0; i < 4; i++) {
                        id[j + i] = first + i;
                        x[i] = holds(x[i]) ? x[i] : NONE;
                    }
                }
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    bool kept = x[i] == x[i] && key_of(x[i], id[j + i]) >= threshold;
                    contest.enter(j + i, kept ? x[i] : NONE, kept ? noise.word(id[j + i]) : 0);
                }
            }
            contest.hold(noise, [&](int i) { return id[i]; }, best);
        }
    }

private:
    __device__ __forceinline__ void take(int j, float (&x)[4], int (&id)[PER_THREAD]) const {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int at = (j + i) * ROW_THREADS + threadIdx.x;
            u64 key = at < length ? list[at] : 0;
            id[j + i] = id_of(key);
            x[i] = at < length ? value_of(key) : NONE;
        }
    }
};

// The key of the least likely value that top-k and top-p keep; 0 where they keep all of the source.
__device__ inline u64 threshold_of(const Source& source, u64* sums) {
    const Filter& filter = source.filter;
    auto each = [&](auto visit) { source.each(visit); };
    u64 byCount = 0;
    if (filter.topK > 0) {
        byCount = descend<ROW_THREADS>(sums, KEY_DIGITS, filter.topK - source.bounds.base, each, [](u64) { return 1ull; });
        byCount = byCount >> ID_BITS << ID_BITS;  // those that equal the k-th stay
    }
    if (filter.topP >= 1) {
        return byCount;
    }
    auto mass = [&](u64 key) { return key >= byCount ? mass_of(value_of(key), filter.max) : 0; };
    u64 total = source.bounds.total;
    if (!filter.byMass()) {
        u64 mine = 0;
        source.each([&](u64 key) { mine += mass(key); });
        block_scan<ROW_THREADS>(mine, total);
    }
    u64 wanted = filter.wanted(total);
    u64 base = filter.byMass() ? source.bounds.base : 0;
    u64 byMass = descend<ROW_THREADS>(sums, ALL_DIGITS, wanted - base, each, mass);
    return byMass > byCount ? byMass : byCount;
}
