// A row: what the draws of one sequence depend on, and its view of a row of logits. gpu.sampling.RowLayout names the same fields.
//
//   fields i[rows, FIELDS]   bitmaps u32[rows, BITMAPS, ceil(V / 32)]   counts u32[rows, V]   biases f32[rows, V]
#pragma once

#include "chunk.cuh"

enum Field { FLAGS, TEMPERATURE, TOP_P, MIN_P, TOP_K, REPETITION, PRESENCE, FREQUENCY, SEED_LOW, SEED_HIGH, CHOICE, MIN_TOKENS,
             OUTPUT_LENGTH, FIELDS = 16 };

// SEEN: tokens of prompt and output; the other five mean something only where the row's flags have HAS << bitmap.
enum Bitmap { SEEN, ALLOWED, BANNED, STOP, BIASED, DRAW_BANNED, BITMAPS };

// COUNTED: counts holds how often each token was generated.
enum Flag { GREEDY = 1, FILTERED = 2, PENALIZED = 4, COUNTED = 8, HAS = 256 };

struct Rows {
    int* fields;
    unsigned* bitmaps;
    unsigned* counts;
    float* biases;
    int vocabulary;

    __device__ int words() const { return (vocabulary + 31) / 32; }
    __device__ int field(int row, Field f) const { return fields[row * FIELDS + f]; }
    __device__ float real(int row, Field f) const { return __int_as_float(field(row, f)); }
    __device__ unsigned* bitmap(int row, int which) const {
        return bitmaps + (static_cast<long long>(row) * BITMAPS + which) * words();
    }
    __device__ unsigned* count(int row) const { return counts + static_cast<long long>(row) * vocabulary; }
    __device__ float* bias(int row) const { return biases + static_cast<long long>(row) * vocabulary; }

    // One more token was generated. Called by one thread.
    __device__ void note(int row, int token) const {
        int flags = field(row, FLAGS);
        fields[row * FIELDS + OUTPUT_LENGTH]++;
        if ((flags & PENALIZED) != 0) {
            bitmap(row, SEEN)[token / 32] |= 1u << token % 32;
        }
        if ((flags & COUNTED) != 0) {
            count(row)[token]++;
        }
    }
};

// A token to be drawn for a row, which will have an index in its sequence. The row's latest output is followed by drafts, the
// step's tokens from firstDraft on, as if they were output. If mask is not negative, masks[mask] has the only tokens to choose from.
struct Sample {
    int row, position, firstDraft, numDrafts, mask;

    __device__ static Sample of(const int4* samples, int i) {
        int4 s = samples[2 * i];
        return Sample{s.x, s.y, s.z, s.w, samples[2 * i + 1].x};
    }
};

__device__ inline bool is_after_draft(const int4* samples, int i, int numSamples) {
    return i < numSamples && Sample::of(samples, i).numDrafts > 0;
}

// Logits as a draw sees them. What cannot be drawn is not above minus infinity.
struct View {
    const float* logits;
    const unsigned* bitmaps;
    const unsigned* counts;
    const float* biases;
    const int* drafts;
    const unsigned* mask;  // or null
    int size, words, flags, numDrafts;
    float temperature, repetition, presence, frequency;
    bool aligned;

    __device__ static View of(
            const Rows& rows, const Sample& sample, const int* stepIds, const unsigned* masks, const float* logits) {
        View v;
        int row = sample.row;
        v.logits = logits;
        v.drafts = stepIds + sample.firstDraft;
        v.numDrafts = sample.numDrafts;
        v.mask = sample.mask < 0 ? nullptr : masks + static_cast<long long>(sample.mask) * rows.words();
        v.bitmaps = rows.bitmap(row, 0);
        v.counts = rows.count(row);
        v.biases = rows.bias(row);
        v.size = rows.vocabulary;
        v.words = rows.words();
        v.flags = rows.field(row, FLAGS);
        if (rows.field(row, OUTPUT_LENGTH) + v.numDrafts >= rows.field(row, MIN_TOKENS)) {
            v.flags &= ~(HAS << STOP);
        }
        v.temperature = rows.real(row, TEMPERATURE);
        v.repetition = rows.real(row, REPETITION);
        v.presence = rows.real(row, PRESENCE);
        v.frequency = rows.real(row, FREQUENCY);
        v.aligned = is_aligned(logits);
        return v;
    }

    // Tokens first to first + 3, first a multiple of 4: adjusted and, unless greedy, over the temperature; NONE: not to be drawn.
    __device__ __forceinline__ void pack(int first, float (&x)[4]) const {
        load_logits(logits, aligned, size, first, x);
        constexpr int ADJUSTED =
                PENALIZED | (HAS << ALLOWED) | (HAS << BANNED) | (HAS << STOP) | (HAS << BIASED) | (HAS << DRAW_BANNED);
        if (((flags & ADJUSTED) != 0 || mask != nullptr) && first < size) {
            adjust(first, x);
        }
        if ((flags & GREEDY) == 0) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                x[i] = x[i] > MINUS_INFINITY ? x[i] / temperature : NONE;
            }
        }
    }

    // 2 for a token that the mask allows, 1 for one that the parameters allow, 3 for one that both do.
    __device__ int allowance(int token) const { return (~masked(token) & 1) << 1 | (~disallowed(token) & 1); }

private:
    __device__ __forceinline__ unsigned bits(int bitmap, int first) const {
        return bitmaps[static_cast<long long>(bitmap) * words + first / 32] >> (first % 32);
    }

    __device__ __forceinline__ unsigned flagged(int bitmap, int first) const {
        return (flags & (HAS << bitmap)) != 0 ? bits(bitmap, first) : 0;
    }

    // Which of four tokens are among the drafts.
    __device__ __forceinline__ unsigned drafted(int first) const {
        unsigned found = 0;
        for (int i = 0; i < numDrafts; i++) {
            int token = drafts[i] - first;
            found |= token >= 0 && token < 4 ? 1u << token : 0;
        }
        return found;
    }

    // Which of four tokens the mask forbids.
    __device__ __forceinline__ unsigned masked(int first) const { return mask == nullptr ? 0 : ~(mask[first / 32] >> (first % 32)); }

    // Which of four tokens are not among those that the parameters allow.
    __device__ __forceinline__ unsigned disallowed(int first) const {
        return (flags & (HAS << ALLOWED)) != 0 ? ~bits(ALLOWED, first) : 0;
    }

    __device__ void adjust(int first, float (&x)[4]) const {
        unsigned out = disallowed(first) | masked(first);
        out |= flagged(BANNED, first) | flagged(STOP, first) | flagged(DRAW_BANNED, first);
        unsigned biased = flagged(BIASED, first);
        unsigned seen = (flags & PENALIZED) != 0 ? bits(SEEN, first) | drafted(first) : 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if (first + i >= size) {
                break;
            }
            if ((out >> i & 1) != 0) {
                x[i] = MINUS_INFINITY;
            }
            if ((biased >> i & 1) != 0) {
                x[i] = __fadd_rn(x[i], biases[first + i]);
            }
            if ((seen >> i & 1) != 0) {
                x[i] = penalized(x[i], first + i);
            }
        }
    }

    __device__ float penalized(float x, int token) const {
        x = x > 0 ? x / repetition : __fmul_rn(x, repetition);
        unsigned count = 0;
        if ((flags & COUNTED) != 0) {
            count = counts[token];
            for (int i = 0; i < numDrafts; i++) {
                count += drafts[i] == token ? 1 : 0;
            }
        }
        if (count > 0) {
            x = __fsub_rn(x, __fmul_rn(frequency, static_cast<float>(count)));
            x = __fsub_rn(x, presence);
        }
        return x;
    }
};
