// top_logprobs: log-probabilities under raw logits f32[R, stride], as model.sampling.Logprobs has them: the chosen token's, its
// rank, and the k likeliest, best first, of equals the lower id first. For N of the R samples: wanted i[N, 4] holds sample, k (at
// most MOST), where in out the answer starts and the token to be taken for the chosen one, or -1. An answer: log-probability, rank, k ids, k log-probabilities, 4 bytes each.
//
//   logprob_scan       (CHUNKS, N)  each chunk's largest logit, sum of exponentials, count of logits above the chosen one
//   logprob_histogram  (CHUNKS, N)  how many logits lie in each bin below the largest
//   logprob_bounds     (N)          the bin of the k-th
//   logprob_gather     (CHUNKS, N)  what lies in it and above goes to a list
//   logprob_choose     (N)          exactly the k from the list, in order; the answer
//
// Scratch: maxima f32, sums f64, above i, each [N, CHUNKS]; binCounts u32[N, BINS], zero before and after; last i[N],
// lengths i[N], lists u64[N, LIST].

#include "chunk.cuh"

namespace {

constexpr int THREADS = 512;
constexpr int MOST = 1024;
constexpr int MOST_CHUNKS = 64;
constexpr int ALL_DIGITS = 5;
constexpr int LAST_ID = (1 << ID_BITS) - 1;

// One sample that asks.
struct Wanted {
    int sample, k, start, target;

    __device__ static Wanted of(const int4* wanted, int i) {
        return Wanted{wanted[i].x, wanted[i].y, wanted[i].z, wanted[i].w};
    }

    __device__ int chosen(const int* tokens) const { return target >= 0 ? target : tokens[sample]; }
};

struct Logits {
    const float* values;
    int size;
    bool aligned;

    __device__ Logits(const float* logits, int stride, int sample, int size)
            : values(logits + static_cast<long long>(sample) * stride), size(size), aligned(is_aligned(values)) {}

    __device__ __forceinline__ float at(int id) const { return number(values[id]); }

    // Numbers, and NONE behind the end.
    __device__ __forceinline__ void pack(int first, float (&x)[4]) const {
        load_logits(values, aligned, size, first, x);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            x[i] = first + i < size ? number(x[i]) : NONE;
        }
    }
};

__device__ __forceinline__ float logprob(float x, double normalizer) {
    return x > MINUS_INFINITY ? static_cast<float>(x - normalizer) : x;
}

// As key_of, with lower ids above higher ones.
__device__ __forceinline__ u64 rank_key(float x, int id) { return key_of(x, LAST_ID - id); }

template <typename Visit>
__device__ void each_of_chunk(const Logits& logits, Visit visit) {
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        float x[4];
        logits.pack(pack_start(p), x);
        for (int i = 0; i < 4; i++) {
            if (x[i] == x[i]) {
                visit(x[i], pack_start(p) + i);
            }
        }
    }
}

// In the order of the chunks' threads: the same for the same logits. The result is thread 0's.
__device__ double sum_in_order(double x) {
    __shared__ double sums[SCAN_THREADS];
    sums[threadIdx.x] = x;
    for (int half = SCAN_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (static_cast<int>(threadIdx.x) < half) {
            sums[threadIdx.x] += sums[threadIdx.x + half];
        }
    }
    return sums[0];
}

__device__ double normalizer(const float* maxima, const double* sums, int chunks, float max) {
    __shared__ double scaled[MOST_CHUNKS];
    if (static_cast<int>(threadIdx.x) < chunks) {
        scaled[threadIdx.x] = sums[threadIdx.x] * exponential(static_cast<double>(maxima[threadIdx.x]) - max);
    }
    __syncthreads();
    double total = 0;
    for (int i = 0; i < chunks; i++) {
        total += scaled[i];
    }
    return max + logarithm(total);
}

// The k largest keys to top, in any order; 0 where there are fewer.
__device__ void take_largest(const Logits& logits, const u64* list, int length, int k, u64* sums, u64* top) {
    __shared__ int taken;
    auto each = [&](auto visit) {
        if (length <= LIST) {
            for (int i = threadIdx.x; i < length; i += THREADS) {
                visit(list[i]);
            }
            return;
        }
        for (int first = 4 * threadIdx.x; first < logits.size; first += 4 * THREADS) {
            float x[4];
            logits.pack(first, x);
            for (int i = 0; i < 4; i++) {
                if (x[i] == x[i]) {
                    visit(rank_key(x[i], first + i));
                }
            }
        }
    };
    u64 threshold = descend<THREADS>(sums, ALL_DIGITS, k, each, [](u64) { return 1ull; });
    for (int i = threadIdx.x; i < k; i += THREADS) {
        top[i] = 0;
    }
    if (threadIdx.x == 0) {
        taken = 0;
    }
    __syncthreads();
    each([&](u64 key) {
        if (key >= threshold) {
            top[atomicAdd(&taken, 1)] = key;
        }
    });
    __syncthreads();
}

}  // namespace

extern "C" __global__ void __launch_bounds__(SCAN_THREADS) logprob_scan(
        const float* logits, int stride, int vocabulary, const int* tokens, const int4* wanted, float* maxima, double* sums,
        int* above) {
    Wanted w = Wanted::of(wanted, blockIdx.y);
    Logits row(logits, stride, w.sample, vocabulary);
    float chosen = row.at(w.chosen(tokens));
    float max = MINUS_INFINITY;
    int greater = 0;
    each_of_chunk(row, [&](float x, int) {
        max = fmaxf(max, x);
        greater += x > chosen ? 1 : 0;
    });
    max = block_max<SCAN_THREADS>(max);
    double sum = 0;
    each_of_chunk(row, [&](float x, int) { sum += exponential(static_cast<double>(x) - max); });
    sum = sum_in_order(sum);
    u64 total;
    block_scan<SCAN_THREADS>(greater, total);
    if (threadIdx.x == 0) {
        int at = blockIdx.y * gridDim.x + blockIdx.x;
        maxima[at] = max;
        sums[at] = sum;
        above[at] = static_cast<int>(total);
    }
}

extern "C" __global__ void __launch_bounds__(SCAN_THREADS) logprob_histogram(
        const float* logits, int stride, int vocabulary, const int4* wanted, const float* maxima, unsigned* binCounts) {
    Wanted w = Wanted::of(wanted, blockIdx.y);
    if (w.k == 0) {
        return;
    }
    __shared__ unsigned number[BINS];
    for (int i = threadIdx.x; i < BINS; i += SCAN_THREADS) {
        number[i] = 0;
    }
    float max = largest<SCAN_THREADS>(maxima + blockIdx.y * gridDim.x, gridDim.x);
    __syncthreads();
    each_of_chunk(Logits(logits, stride, w.sample, vocabulary), [&](float x, int) {
        int bin = bin_of(x, max);
        if (bin < OVERFLOW_BIN) {
            atomicAdd(&number[bin], 1u);
        }
    });
    __syncthreads();
    for (int i = threadIdx.x; i < BINS; i += SCAN_THREADS) {
        if (number[i] > 0) {
            atomicAdd(&binCounts[static_cast<long long>(blockIdx.y) * BINS + i], number[i]);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) logprob_bounds(
        const int4* wanted, unsigned* binCounts, int* last, int* lengths) {
    unsigned* number = binCounts + static_cast<long long>(blockIdx.x) * BINS;
    int k = Wanted::of(wanted, blockIdx.x).k;
    Place place = reach<THREADS, BINS>(max(k, 1), [&](int i) { return number[i]; });
    __syncthreads();
    for (int i = threadIdx.x; i < BINS; i += THREADS) {
        number[i] = 0;
    }
    if (threadIdx.x == 0) {
        last[blockIdx.x] = k == 0 ? -1 : min(place.index, OVERFLOW_BIN);
        lengths[blockIdx.x] = 0;
    }
}

extern "C" __global__ void __launch_bounds__(SCAN_THREADS) logprob_gather(
        const float* logits, int stride, int vocabulary, const int4* wanted, const float* maxima, const int* last, int* lengths,
        u64* lists) {
    Wanted w = Wanted::of(wanted, blockIdx.y);
    if (w.k == 0) {
        return;
    }
    float max = largest<SCAN_THREADS>(maxima + blockIdx.y * gridDim.x, gridDim.x);
    each_of_chunk(Logits(logits, stride, w.sample, vocabulary), [&](float x, int id) {
        if (bin_of(x, max) <= last[blockIdx.y]) {
            append(lists + static_cast<long long>(blockIdx.y) * LIST, &lengths[blockIdx.y], rank_key(x, id));
        }
    });
}

extern "C" __global__ void __launch_bounds__(THREADS) logprob_choose(
        const float* logits, int stride, int vocabulary, const int* tokens, const int4* wanted, int chunks, const float* maxima,
        const double* sums, const int* above, const int* lengths, const u64* lists, int* out) {
    __shared__ u64 digits[BINS];
    __shared__ u64 top[MOST];
    Wanted w = Wanted::of(wanted, blockIdx.x);
    Logits row(logits, stride, w.sample, vocabulary);
    float max = largest<THREADS>(maxima + blockIdx.x * chunks, chunks);
    double norm = normalizer(maxima + blockIdx.x * chunks, sums + blockIdx.x * chunks, chunks, max);
    int* answer = out + w.start;
    if (threadIdx.x == 0) {
        int rank = 1;
        for (int i = 0; i < chunks; i++) {
            rank += above[blockIdx.x * chunks + i];
        }
        answer[0] = __float_as_int(logprob(row.at(w.chosen(tokens)), norm));
        answer[1] = rank;
    }
    if (w.k == 0) {
        return;
    }
    take_largest(row, lists + static_cast<long long>(blockIdx.x) * LIST, lengths[blockIdx.x], w.k, digits, top);
    for (int i = threadIdx.x; i < w.k; i += THREADS) {
        int better = 0;
        for (int j = 0; j < w.k; j++) {
            better += top[j] > top[i] || (top[j] == top[i] && j < i) ? 1 : 0;
        }
        answer[2 + better] = min(LAST_ID - id_of(top[i]), vocabulary - 1);
        answer[2 + w.k + better] = __float_as_int(logprob(value_of(top[i]), norm));
    }
}
