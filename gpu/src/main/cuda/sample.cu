// sample: draws a token for each of R rows of logits f32[R, stride], as model.sampling.Sampler does, and notes it in the row's state.
//
//   sample_scan       (CHUNKS, R)  greedy and unfiltered rows: each chunk's best; filtered rows: each chunk's largest value
//   sample_histogram  (CHUNKS, R)  filtered rows: how many values, and how much of the mass, lie in each bin
//   sample_bounds     (R)          filtered rows: the bins in which the thresholds of top-k and top-p lie
//   sample_gather     (CHUNKS, R)  filtered rows: each chunk's best above those bins; what lies in them goes to a list
//   sample_choose     (R)          the exact thresholds from the list, the best of all, the row's new state
//
// min-p, top-k and top-p keep the largest values: all above a bin surely, none below another, and the list decides between. A
// row's result depends on its own values alone: chunks have a fixed length, sums are of integers, a best is a best in any order.
// A sample of the dummy row, the last, is none. Reads samples i[R, 8] (Sample in row_state.cuh), stepIds i[T], the step's token
// ids, some of which may be drafts, and masks u32[., ceil(V / 32)]; writes tokens i[R], lastTokens i[rows]. Samples of a row that verify drafts change nothing of
// its state: accept_drafts.cu does. If `drafting`, a sample is the draft behind its drafts and goes to its place in stepIds; nothing
// but lastTokens, those of the draft model then, changes.
// Scratch: scores f64, ids i, maxima f32, each [R, CHUNKS]; counts u32[R, BINS] and masses u64[R, BINS], zero before and after;
// bounds Bounds[R]; lengths i[R], lists u64[R, LIST].

#include "filter.cuh"

namespace {

__device__ Noise noise_of(const Rows& rows, const Sample& sample) {
    return Noise{static_cast<unsigned>(rows.field(sample.row, SEED_LOW)), static_cast<unsigned>(rows.field(sample.row, SEED_HIGH)),
                 rows.field(sample.row, CHOICE), sample.position};
}

// The lowest id of the chunk's largest value.
__device__ Best greedy_best(const View& view) {
    float value[PACKS][4];
    float max = MINUS_INFINITY;
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        view.pack(pack_start(p), value[p]);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            max = fmaxf(max, value[p][i]);
        }
    }
    max = block_max<SCAN_THREADS>(max);
    Best best = Best::none();
#pragma unroll
    for (int p = PACKS - 1; p >= 0; p--) {
#pragma unroll
        for (int i = 3; i >= 0; i--) {
            if (value[p][i] == max && max > MINUS_INFINITY) {
                best = Best{max, pack_start(p) + i};
            }
        }
    }
    return block_best<SCAN_THREADS>(best);
}

// The best of the chunk's values that keep(value) leaves.
template <typename Keep>
__device__ Best drawn_best(const View& view, const Noise& noise, Keep keep) {
    Contest<SCAN_THREADS, PACKS * 4> contest;
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        float value[4];
        view.pack(pack_start(p), value);
        uint4 words = noise.words(pack_start(p) / 4);
        const unsigned word[] = {words.x, words.y, words.z, words.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            bool kept = keep(value[i], pack_start(p) + i);
            contest.enter(4 * p + i, kept ? value[i] : NONE, word[i]);
        }
    }
    Best best = Best::none();
    contest.hold(noise, [](int i) { return pack_start(i / 4) + i % 4; }, best);
    return block_best<SCAN_THREADS>(best);
}

__device__ float chunk_max(const View& view) {
    float max = MINUS_INFINITY;
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        float value[4];
        view.pack(pack_start(p), value);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            max = fmaxf(max, value[i]);
        }
    }
    return block_max<SCAN_THREADS>(max);
}

// What is drawn where nothing may be, by what can still be kept: a token that the mask allows, of these one that the parameters
// allow, of these the likeliest by the raw logits, of these the lowest id.
__device__ int likeliest(const View& view) {
    Best best = Best::none();
    for (int i = threadIdx.x; i < view.size; i += ROW_THREADS) {
        u64 rank = static_cast<u64>(view.allowance(i)) << 32 | sortable(number(view.logits[i]));
        best.offer(static_cast<double>(rank), i);
    }
    return block_best<ROW_THREADS>(best).id;
}

__device__ void commit(const Rows& rows, int row, int token, int* lastTokens) {
    int flags = rows.field(row, FLAGS);
    if ((flags & (HAS << DRAW_BANNED)) != 0) {
        for (int i = threadIdx.x; i < rows.words(); i += ROW_THREADS) {
            rows.bitmap(row, DRAW_BANNED)[i] = 0;
        }
    }
    __syncthreads();  // all have read the flags
    if (threadIdx.x == 0) {
        rows.fields[row * FIELDS + FLAGS] = flags & ~(HAS << DRAW_BANNED);
        rows.note(row, token);
        lastTokens[row] = token;
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(SCAN_THREADS) sample_scan(
        const float* logits, int stride, const int4* samples, const int* stepIds, const unsigned* masks,
        int* fields, unsigned* bitmaps, unsigned* counts, float* biases, int vocabulary, int dummyRow,
        double* scores, int* ids, float* maxima) {
    griddepcontrol_wait();
    Sample sample = Sample::of(samples, blockIdx.y);
    int row = sample.row;
    if (row == dummyRow) {
        return;
    }
    Rows rows{fields, bitmaps, counts, biases, vocabulary};
    View view = View::of(rows, sample, stepIds, masks, logits + static_cast<long long>(blockIdx.y) * stride);
    int at = blockIdx.y * gridDim.x + blockIdx.x;
    if ((view.flags & FILTERED) != 0) {
        float max = chunk_max(view);
        if (threadIdx.x == 0) {
            maxima[at] = max;
        }
        return;
    }
    Best best = (view.flags & GREEDY) != 0
                        ? greedy_best(view)
                        : drawn_best(view, noise_of(rows, sample), [](float, int) { return true; });
    if (threadIdx.x == 0) {
        scores[at] = best.score;
        ids[at] = best.id;
    }
}

extern "C" __global__ void __launch_bounds__(SCAN_THREADS) sample_histogram(
        const float* logits, int stride, const int4* samples, const int* stepIds, const unsigned* masks,
        int* fields, unsigned* bitmaps, unsigned* counts, float* biases, int vocabulary, int dummyRow, const float* maxima, unsigned* binCounts, u64* binMasses) {
    griddepcontrol_wait();
    Sample sample = Sample::of(samples, blockIdx.y);
    int row = sample.row;
    Rows rows{fields, bitmaps, counts, biases, vocabulary};
    if (row == dummyRow || (rows.field(row, FLAGS) & FILTERED) == 0) {
        return;
    }
    Filter filter = Filter::of(rows, row, largest<SCAN_THREADS>(maxima + blockIdx.y * gridDim.x, gridDim.x));
    if (!filter.binned()) {
        return;
    }
    __shared__ unsigned number[BINS];
    __shared__ u64 mass[BINS];
    for (int i = threadIdx.x; i < BINS; i += SCAN_THREADS) {
        number[i] = 0;
        mass[i] = 0;
    }
    __syncthreads();
    View view = View::of(rows, sample, stepIds, masks, logits + static_cast<long long>(blockIdx.y) * stride);
    for (int p = 0; p < PACKS; p++) {
        float value[4];
        view.pack(pack_start(p), value);
        for (int i = 0; i < 4; i++) {
            int bin = bin_of(value[i], filter.max);
            if (bin < OVERFLOW_BIN && filter.admits(value[i])) {
                atomicAdd(&number[bin], 1u);
                if (filter.byMass()) {
                    atomicAdd(&mass[bin], mass_of(value[i], filter.max));
                }
            }
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < BINS; i += SCAN_THREADS) {
        if (number[i] > 0) {
            atomicAdd(&binCounts[static_cast<long long>(blockIdx.y) * BINS + i], number[i]);
            if (filter.byMass()) {
                atomicAdd(&binMasses[static_cast<long long>(blockIdx.y) * BINS + i], mass[i]);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS) sample_bounds(
        const int4* samples, int* fields, int dummyRow, unsigned* binCounts, u64* binMasses, Bounds* bounds, int* lengths) {
    griddepcontrol_wait();
    int at = blockIdx.x;
    int row = Sample::of(samples, at).row;
    Rows rows{fields, nullptr, nullptr, nullptr, 0};
    if (row == dummyRow || (rows.field(row, FLAGS) & FILTERED) == 0) {
        return;
    }
    Filter filter = Filter::of(rows, row, 0);
    unsigned* number = binCounts + static_cast<long long>(at) * BINS;
    u64* mass = binMasses + static_cast<long long>(at) * BINS;
    Bounds found{BINS, BINS, 0, 0};  // min-p alone needs none
    if (filter.topK > 0) {
        Place place = reach<ROW_THREADS, BINS>(filter.topK, [&](int i) { return number[i]; });
        int bin = min(place.index, OVERFLOW_BIN);
        found = filter.topP < 1 ? Bounds{0, bin, 0, 0} : Bounds{bin, bin, place.before, 0};
    } else if (filter.topP < 1) {
        u64 sum = 0;
        for (int i = threadIdx.x; i < BINS; i += ROW_THREADS) {
            sum += mass[i];
        }
        u64 total;
        block_scan<ROW_THREADS>(sum, total);
        Place place = reach<ROW_THREADS, BINS>(filter.wanted(total), [&](int i) { return mass[i]; });
        found = Bounds{place.index, place.index, place.before, total};
    }
    __syncthreads();
    for (int i = threadIdx.x; i < BINS; i += ROW_THREADS) {
        number[i] = 0;
        mass[i] = 0;
    }
    if (threadIdx.x == 0) {
        bounds[at] = found;
        lengths[at] = 0;
    }
}

extern "C" __global__ void __launch_bounds__(SCAN_THREADS) sample_gather(
        const float* logits, int stride, const int4* samples, const int* stepIds, const unsigned* masks,
        int* fields, unsigned* bitmaps, unsigned* counts, float* biases, int vocabulary, int dummyRow,
        const float* maxima, const Bounds* bounds, double* scores, int* ids, int* lengths, u64* lists) {
    griddepcontrol_wait();
    Sample sample = Sample::of(samples, blockIdx.y);
    int row = sample.row;
    Rows rows{fields, bitmaps, counts, biases, vocabulary};
    if (row == dummyRow || (rows.field(row, FLAGS) & FILTERED) == 0) {
        return;
    }
    Filter filter = Filter::of(rows, row, largest<SCAN_THREADS>(maxima + blockIdx.y * gridDim.x, gridDim.x));
    View view = View::of(rows, sample, stepIds, masks, logits + static_cast<long long>(blockIdx.y) * stride);
    Bounds bound = bounds[blockIdx.y];
    auto keep = [&](float x, int id) {
        if (!filter.admits(x)) {
            return false;
        }
        int bin = bin_of(x, filter.max);
        if (bin >= bound.first && bin <= bound.last) {
            append(lists + static_cast<long long>(blockIdx.y) * LIST, &lengths[blockIdx.y], key_of(x, id));
        }
        return bin < bound.first;
    };
    Best best = drawn_best(view, noise_of(rows, sample), keep);
    if (threadIdx.x == 0) {
        scores[blockIdx.y * gridDim.x + blockIdx.x] = best.score;
        ids[blockIdx.y * gridDim.x + blockIdx.x] = best.id;
    }
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS, 1) sample_choose(
        const float* logits, int stride, const int4* samples, int* stepIds, const unsigned* masks,
        int* fields, unsigned* bitmaps, unsigned* counts, float* biases, int vocabulary, int dummyRow, int chunks, int drafting, const float* maxima, const Bounds* bounds, const double* scores, const int* ids, const int* lengths,
        const u64* lists, int* tokens, int* lastTokens) {
    griddepcontrol_wait();
    __shared__ u64 sums[BINS];
    int at = blockIdx.x;
    Sample sample = Sample::of(samples, at);
    int row = sample.row;
    if (row == dummyRow) {
        return;
    }
    Rows rows{fields, bitmaps, counts, biases, vocabulary};
    View view = View::of(rows, sample, stepIds, masks, logits + static_cast<long long>(at) * stride);
    Best best = Best::none();
    for (int i = threadIdx.x; i < chunks; i += ROW_THREADS) {
        best.offer(scores[at * chunks + i], ids[at * chunks + i]);
    }
    if ((view.flags & FILTERED) != 0) {
        Filter filter = Filter::of(rows, row, largest<ROW_THREADS>(maxima + at * chunks, chunks));
        Source source{view, filter, bounds[at], lists + static_cast<long long>(at) * LIST, lengths[at]};
        u64 threshold = filter.binned() ? threshold_of(source, sums) : 0;
            source.draw(noise_of(rows, sample), threshold, best);
    }
    best = block_best<ROW_THREADS>(best);
    int token = best.id != NOBODY ? best.id : likeliest(view);
    bool verifies = sample.numDrafts > 0 || is_after_draft(samples, at + 1, gridDim.x);
    if (drafting == 0 && !verifies) {
        commit(rows, row, token, lastTokens);
    }
    if (threadIdx.x == 0) {
        tokens[at] = token;
        if (drafting != 0) {
            stepIds[sample.firstDraft + sample.numDrafts] = token;
            lastTokens[row] = token;
        }
    }
}
