// accept_drafts: for each row whose samples verify drafts, accepts those that equal the sample before them, up to the first that does
// not, and notes them and the sample behind them in the row's state, as if they had been drawn one after another.
//
//   samples i[R, 8] (Sample in row_state.cuh), those of a row one after another with one draft more each; stepIds i[T], the step's
//   token ids; tokens i[R] -> the row's state; lastTokens i[rows]

#include "row_state.cuh"

namespace {

constexpr int THREADS = 128;

}  // namespace

// A thread a sample, of which the row's first does the work: there are few.
extern "C" __global__ void __launch_bounds__(THREADS) accept_drafts(
        const int4* samples, int numSamples, const int* stepIds, const int* tokens, int* fields, unsigned* bitmaps, unsigned* counts,
        float* biases, int vocabulary, int dummyRow, int* lastTokens) {
    int first = blockIdx.x * THREADS + threadIdx.x;
    if (first >= numSamples || !is_after_draft(samples, first + 1, numSamples) || Sample::of(samples, first).numDrafts > 0) {
        return;
    }
    Sample sample = Sample::of(samples, first);
    if (sample.row == dummyRow) {
        return;
    }
    Rows rows{fields, bitmaps, counts, biases, vocabulary};
    int at = first;
    rows.note(sample.row, tokens[at]);
    while (is_after_draft(samples, at + 1, numSamples)) {
        Sample next = Sample::of(samples, at + 1);
        if (tokens[at] != stepIds[next.firstDraft + next.numDrafts - 1]) {
            break;
        }
        at++;
        rows.note(sample.row, tokens[at]);
    }
    lastTokens[sample.row] = tokens[at];
}
