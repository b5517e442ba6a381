package dev.millrace.gpu.kernel;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.step.StepInputs;
import java.util.Arrays;

/**
 * Queries, keys and values of a step and what causal attention makes of them in double arithmetic. All slots that belong to
 * no token of a sequence are NaN.
 */
final class PagedCase {

    /** A kernel under test. */
    interface Kernel {
        void launch(
                Stream stream,
                DeviceBuffer q,
                DeviceBuffer cache,
                StepInputs inputs,
                Derived derived,
                int outStride,
                DeviceBuffer out);
    }

    /**
     * @param values [T, queryHeads · headDim]
     * @param sizes the same with the values' absolutes averaged, which is what roundings of the weights are relative to
     */
    record Expected(double[] values, double[] sizes) {}

    private final TestDevice test;
    private final CacheShape shape;
    final PagedStep step;
    private final float[] q;
    private final float[][][] cached; // [sequence][part][token · keyHeads · headDim]

    PagedCase(TestDevice test, CacheShape shape, long seed, int[] queries, int[] contexts) {
        this.test = test;
        this.shape = shape;
        Randoms randoms = new Randoms(seed);
        step = new PagedStep(test, shape.headDim(), randoms, null, queries, contexts);
        q = TestDevice.rounded(shape.type(), randoms.normal(step.tokens() * shape.queryWidth()));
        cached = new float[queries.length][2][];
        for (int s = 0; s < queries.length; s++) {
            for (int part = 0; part < 2; part++) {
                float[] values = randoms.normal(contexts[s] * shape.keyHeads() * shape.headDim());
                cached[s][part] = TestDevice.rounded(shape.type(), values);
            }
        }
    }

    /** Takes a sequence of another case over. */
    void adopt(PagedCase other, int from, int to) {
        cached[to] = other.cached[from];
        int width = shape.queryWidth();
        System.arraycopy(other.q, other.step.cuQ[from] * width, q, step.cuQ[to] * width, step.queries[to] * width);
    }

    /** Takes a part of another case's only sequence over. */
    void adoptChunk(PagedCase other, int start, int end) {
        int width = shape.queryWidth();
        System.arraycopy(other.q, start * width, q, 0, (end - start) * width);
        int keyWidth = shape.keyHeads() * shape.headDim();
        for (int part = 0; part < 2; part++) {
            cached[0][part] = Arrays.copyOf(other.cached[0][part], end * keyWidth);
        }
    }

    float[] run(Kernel kernel) {
        RopeTable rope = RopeTable.text(test.device(), test.stream(), 10_000, shape.headDim(), null);
        step.prepare(test, shape, rope, test.ints(new int[step.queries.length]));
        int width = shape.queryWidth();
        DeviceBuffer out = test.poisoned(shape.type(), (long) step.tokens() * width);
        DeviceBuffer cache = test.values(shape.type(), cache());
        kernel.launch(test.stream(), test.values(shape.type(), q), cache, step.inputs, step.derived, width, out);
        return test.read(shape.type(), out);
    }

    private float[] cache() {
        float[] cache = new float
                [Math.toIntExact(
                        step.numBlocks * shape.blockBytes() / shape.type().bytes())];
        Arrays.fill(cache, Float.NaN);
        for (int s = 0; s < cached.length; s++) {
            for (int token = 0; token < step.contexts[s]; token++) {
                for (int head = 0; head < shape.keyHeads(); head++) {
                    for (int part = 0; part < 2; part++) {
                        System.arraycopy(
                                cached[s][part],
                                (token * shape.keyHeads() + head) * shape.headDim(),
                                cache,
                                PagedStep.cacheOffset(shape, step.slot(s, token), part, head),
                                shape.headDim());
                    }
                }
            }
        }
        return cache;
    }

    /** A sequence's part of a result. */
    float[] of(int s, float[] result) {
        int width = shape.queryWidth();
        return Arrays.copyOfRange(result, step.cuQ[s] * width, step.cuQ[s + 1] * width);
    }

    Expected expected() {
        Expected out = new Expected(new double[q.length], new double[q.length]);
        for (int s = 0; s < cached.length; s++) {
            for (int i = 0; i < step.queries[s]; i++) {
                for (int head = 0; head < shape.queryHeads(); head++) {
                    attend(s, head, step.index(s, i) + 1, (step.cuQ[s] + i) * shape.queryWidth(), out);
                }
            }
        }
        return out;
    }

    private void attend(int s, int head, int visible, int token, Expected out) {
        int size = shape.headDim();
        int at = token + head * size;
        int keyWidth = shape.keyHeads() * size;
        int key = head / shape.group() * size;
        double[] weights = new double[visible];
        double most = Double.NEGATIVE_INFINITY;
        for (int t = 0; t < visible; t++) {
            for (int d = 0; d < size; d++) {
                weights[t] += (double) q[at + d] * cached[s][0][t * keyWidth + key + d] / Math.sqrt(size);
            }
            most = Math.max(most, weights[t]);
        }
        double sum = 0;
        for (int t = 0; t < visible; t++) {
            weights[t] = Math.exp(weights[t] - most);
            sum += weights[t];
        }
        for (int t = 0; t < visible; t++) {
            for (int d = 0; d < size; d++) {
                double term = weights[t] / sum * cached[s][1][t * keyWidth + key + d];
                out.values[at + d] += term;
                out.sizes[at + d] += Math.abs(term);
            }
        }
    }
}
