package dev.millrace.model.sampling;

import java.util.Arrays;

/**
 * The tokens that may still be drawn and their logits, narrowed by min-p, top-k and top-p. Thresholds as in vLLM and
 * numpy's stable sort: logits equal to the k-th stay; of equal logits top-p drops the lower ids first. Selects instead of
 * sorting the vocabulary.
 */
final class Candidates {

    private static final int FIRST_SORTED = 512;

    private int[] ids;
    private float[] logits;
    private float[] selection = {};
    private int size;

    Candidates(int vocabSize) {
        ids = new int[vocabSize];
        logits = new float[vocabSize];
    }

    /** Takes every token whose logit is a number above minus infinity, over the temperature. */
    void reset(float[] source, int offset, int vocabSize, float temperature) {
        size = 0;
        for (int id = 0; id < vocabSize; id++) {
            float logit = source[offset + id];
            if (logit > Float.NEGATIVE_INFINITY) {
                ids[size] = id;
                logits[size++] = logit / temperature;
            }
        }
    }

    int size() {
        return size;
    }

    int id(int i) {
        return ids[i];
    }

    float logit(int i) {
        return logits[i];
    }

    float max() {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            max = Math.max(max, logits[i]);
        }
        return max;
    }

    /** Drops what is less likely than {@code minP} times the likeliest. */
    void minP(float minP) {
        if (minP <= 0) {
            return;
        }
        float max = max();
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (DoubleMath.exp((double) logits[i] - max) >= minP) {
                keep(i, kept++);
            }
        }
        size = kept;
    }

    /** Drops what is less likely than the {@code k}-th. */
    void topK(int k) {
        if (k <= 0 || k >= size) {
            return;
        }
        float threshold = kthLargest(k);
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (logits[i] >= threshold) {
                keep(i, kept++);
            }
        }
        size = kept;
    }

    /** Keeps the likeliest until their share is {@code topP}. */
    void topP(float topP) {
        if (topP >= 1 || size <= 1) {
            return;
        }
        float max = max();
        double wanted = topP * total(max);
        long[] sorted = sortedTail(Math.min(size, FIRST_SORTED));
        while (mass(sorted, max) < wanted && sorted.length < size) {
            sorted = sortedTail((int) Math.min(size, 8L * sorted.length));
        }
        keepUntil(sorted, max, wanted);
    }

    /** Σ exp(logit − max). */
    double total(float max) {
        double total = 0;
        for (int i = 0; i < size; i++) {
            total += DoubleMath.exp((double) logits[i] - max);
        }
        return total;
    }

    private void keepUntil(long[] sorted, float max, double wanted) {
        double before = 0;
        int first = sorted.length;
        while (first > 0 && (before < wanted || first == sorted.length)) {
            first--;
            before += DoubleMath.exp((double) sortedLogit(sorted[first]) - max);
        }
        size = sorted.length - first;
        for (int i = 0; i < size; i++) {
            ids[i] = (int) sorted[first + i];
            logits[i] = sortedLogit(sorted[first + i]);
        }
    }

    private double mass(long[] sorted, float max) {
        double mass = 0;
        for (int i = sorted.length - 1; i >= 0; i--) {
            mass += DoubleMath.exp((double) sortedLogit(sorted[i]) - max);
        }
        return mass;
    }

    /** At least the {@code count} largest, ascending by logit, then id: the logit in the high half, the id in the low. */
    private long[] sortedTail(int count) {
        float threshold = count < size ? kthLargest(count) : Float.NEGATIVE_INFINITY;
        long[] keys = new long[size];
        int n = 0;
        for (int i = 0; i < size; i++) {
            if (logits[i] >= threshold) {
                keys[n++] = (long) sortable(logits[i]) << 32 | ids[i];
            }
        }
        keys = Arrays.copyOf(keys, n);
        Arrays.sort(keys);
        return keys;
    }

    private static int sortable(float value) {
        int bits = Float.floatToIntBits(value + 0f);
        return bits ^ bits >> 31 & Integer.MAX_VALUE;
    }

    private static float sortedLogit(long key) {
        int sortable = (int) (key >> 32);
        return Float.intBitsToFloat(sortable ^ sortable >> 31 & Integer.MAX_VALUE);
    }

    private void keep(int from, int to) {
        ids[to] = ids[from];
        logits[to] = logits[from];
    }

    /** Hoare's selection. */
    private float kthLargest(int k) {
        if (selection.length < size) {
            selection = new float[size];
        }
        System.arraycopy(logits, 0, selection, 0, size);
        int wanted = size - k;
        int low = 0;
        int high = size - 1;
        while (low < high) {
            float pivot = selection[low + high >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (selection[i] < pivot) {
                    i++;
                }
                while (selection[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    float swap = selection[i];
                    selection[i++] = selection[j];
                    selection[j--] = swap;
                }
            }
            if (wanted <= j) {
                high = j;
            } else if (wanted >= i) {
                low = i;
            } else {
                return selection[wanted];
            }
        }
        return selection[wanted];
    }
}
