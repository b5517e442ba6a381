package dev.millrace.gpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tower's attention against double arithmetic, with and without tensor cores. */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VisionAttentionTest {

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    /** Queries, keys and values of patches in segments; rows of the result are 64 values longer than the heads. */
    private record Problem(VisionShape shape, int[] bounds, float[] qkv) {

        static Problem of(VisionShape shape, long seed, int... lengths) {
            int[] bounds = new int[lengths.length + 1];
            for (int i = 0; i < lengths.length; i++) {
                bounds[i + 1] = bounds[i] + lengths[i];
            }
            float[] qkv = new Randoms(seed).normal(3 * bounds[lengths.length] * shape.width());
            return new Problem(shape, bounds, TestDevice.rounded(shape.type(), qkv));
        }

        int patches() {
            return bounds[bounds.length - 1];
        }

        int stride() {
            return shape.width() + 64;
        }

        int longest() {
            return IntStream.range(1, bounds.length)
                    .map(i -> bounds[i] - bounds[i - 1])
                    .max()
                    .orElseThrow();
        }

        int at(int patch, int part, int head, int d) {
            return ((patch * 3 + part) * shape.heads() + head) * shape.headDim() + d;
        }

        float query(int patch, int part, int head, int d) {
            return qkv[at(patch, part, head, d)];
        }

        /** Keys and values [heads, 2, headDim/8, P, 8]. */
        float[] planes() {
            float[] planes = new float[2 * patches() * shape.width()];
            for (int i = 0; i < planes.length; i++) {
                int patch = i / 8 % patches();
                int plane = i / 8 / patches();
                int columns = shape.headDim() / 8;
                int part = plane / columns % 2 + 1;
                planes[i] = query(patch, part, plane / columns / 2, plane % columns * 8 + i % 8);
            }
            return planes;
        }

        /** No numbers in place of keys and values. */
        float[] queriesAlone() {
            float[] queries = qkv.clone();
            for (int patch = 0; patch < patches(); patch++) {
                Arrays.fill(queries, at(patch, 1, 0, 0), at(patch, 3, 0, 0), Float.NaN);
            }
            return queries;
        }
    }

    private float[] run(VisionAttention attention, Problem problem) {
        return run(attention, problem, Integer.MAX_VALUE);
    }

    /** In parts of up to so many blocks. */
    private float[] run(VisionAttention attention, Problem problem, int part) {
        Type type = problem.shape.type();
        boolean planes = attention.readsPlanes(problem.longest());
        DeviceBuffer qkv = test.values(type, planes ? problem.queriesAlone() : problem.qkv);
        DeviceBuffer keysAndValues = planes ? test.values(type, problem.planes()) : null;
        DeviceBuffer bounds = test.ints(problem.bounds);
        DeviceBuffer out = test.poisoned(type, (long) problem.patches() * problem.stride());
        int blocks = attention.blocks(problem.bounds.length - 1, problem.longest());
        for (int first = 0; first < blocks; first += Math.min(part, blocks - first)) {
            attention.launch(
                    test.stream(),
                    qkv,
                    keysAndValues,
                    problem.patches(),
                    bounds,
                    problem.bounds.length - 1,
                    problem.longest(),
                    problem.stride(),
                    out,
                    first,
                    Math.min(part, blocks - first));
        }
        return test.read(type, out);
    }

    /**
     * In fp32 a sum over the keys differs by some 2^-24 of its terms' sizes. In bf16 weights are rounded before they meet the
     * values (2^-8 of each term) and the result when it is stored (2^-8 of it).
     */
    private void check(VisionAttention attention, Problem problem) {
        float[] actual = run(attention, problem);
        double rounding = problem.shape.type() == Type.F32 ? 0x1p-19 : 0x1p-8;
        for (int segment = 0; segment + 1 < problem.bounds.length; segment++) {
            for (int patch = problem.bounds[segment]; patch < problem.bounds[segment + 1]; patch++) {
                for (int head = 0; head < problem.shape.heads(); head++) {
                    checkHead(problem, actual, segment, patch, head, rounding);
                }
                for (int i = problem.shape.width(); i < problem.stride(); i++) {
                    assertThat(actual[patch * problem.stride() + i])
                            .as("behind the heads")
                            .isNaN();
                }
            }
        }
    }

    private static void checkHead(Problem problem, float[] actual, int segment, int patch, int head, double rounding) {
        int headDim = problem.shape.headDim();
        int start = problem.bounds[segment];
        double[] weights = new double[problem.bounds[segment + 1] - start];
        double sum = 0;
        for (int key = 0; key < weights.length; key++) {
            double score = 0;
            for (int d = 0; d < headDim; d++) {
                score += (double) problem.query(patch, 0, head, d) * problem.query(start + key, 1, head, d);
            }
            weights[key] = Math.exp(score / Math.sqrt(headDim));
            sum += weights[key];
        }
        for (int d = 0; d < headDim; d++) {
            double expected = 0;
            double size = 0;
            for (int key = 0; key < weights.length; key++) {
                double term = weights[key] / sum * problem.query(start + key, 2, head, d);
                expected += term;
                size += Math.abs(term);
            }
            double allowed = rounding * (size + Math.abs(expected)) + 1e-6;
            float value = actual[patch * problem.stride() + head * headDim + d];
            assertThat(Math.abs(value - expected))
                    .as(
                            "patch %d of segment %d, head %d, value %d: %s, expected %s",
                            patch, segment, head, d, value, expected)
                    .isLessThanOrEqualTo(allowed);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, 2, 16", "F32, 3, 20", "F32, 1, 128", "F32, 2, 80", "BF16, 3, 32", "BF16, 2, 80", "BF16, 1, 4"})
    void anyHeadAttendsToItsSegment(Type type, int heads, int headDim) {
        VisionShape shape = new VisionShape(type, heads, headDim);
        VisionAttention attention = VisionAttention.generic(test.device(), shape);
        check(attention, Problem.of(shape, 1, 1));
        check(attention, Problem.of(shape, 2, 4, 64, 12, 16, 33));
        check(attention, Problem.of(shape, 3, 95));
    }

    @Test
    void windowsOfTheReleasedTowerAttendOnTensorCores() {
        VisionShape shape = new VisionShape(Type.BF16, 3, 80);
        VisionAttention attention = new VisionAttention(test.device(), shape);
        check(attention, Problem.of(shape, 4, 4));
        check(attention, Problem.of(shape, 5, 64, 1, 32, 48, 63, 16, 17));
    }

    @Test
    void framesOfTheReleasedTowerAttendOnTensorCores() {
        VisionShape shape = new VisionShape(Type.BF16, 2, 80);
        checkFrames(new VisionAttention(test.device(), shape), shape);
    }

    @Test
    void framesOfTheReleasedTowerAttendByTheProductsThatAllDevicesHave() {
        VisionShape shape = new VisionShape(Type.BF16, 2, 80);
        VisionAttention attention = VisionAttention.common(test.device(), shape);
        assertThat(attention.readsPlanes(1000)).isFalse();
        checkFrames(attention, shape);
    }

    @ParameterizedTest
    @CsvSource({"F32, 16, false", "BF16, 80, false", "BF16, 80, true"})
    void allPartsTogetherGiveTheBitsOfTheWhole(Type type, int headDim, boolean common) {
        VisionShape shape = new VisionShape(type, 2, headDim);
        VisionAttention attention =
                common ? VisionAttention.common(test.device(), shape) : new VisionAttention(test.device(), shape);
        Problem problem = Problem.of(shape, 10, 12, 400, 64);
        assertThat(run(attention, problem, 5)).isEqualTo(run(attention, problem));
        assertThatThrownBy(() -> attention.launch(
                        test.stream(),
                        test.values(type, problem.qkv),
                        test.values(type, problem.planes()),
                        problem.patches(),
                        test.ints(problem.bounds),
                        3,
                        problem.longest(),
                        problem.stride(),
                        test.poisoned(type, (long) problem.patches() * problem.stride()),
                        0,
                        attention.blocks(3, problem.longest()) + 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    private void checkFrames(VisionAttention attention, VisionShape shape) {
        check(attention, Problem.of(shape, 6, 65));
        check(attention, Problem.of(shape, 7, 128, 256));
        check(attention, Problem.of(shape, 8, 12, 300, 129, 64, 193));
        check(attention, Problem.of(shape, 11, 90, 870));
    }

    /** A picture's embeddings may not depend on what goes through the tower with it. */
    @ParameterizedTest
    @CsvSource({"F32, 16", "BF16, 80"})
    void otherSegmentsChangeNoBit(Type type, int headDim) {
        VisionShape shape = new VisionShape(type, 2, headDim);
        VisionAttention attention = new VisionAttention(test.device(), shape);
        Problem together = Problem.of(shape, 9, 70, 132, 64);
        Problem alone = new Problem(
                shape,
                new int[] {0, 132},
                Arrays.copyOfRange(together.qkv, 3 * 70 * shape.width(), 3 * 202 * shape.width()));
        float[] all = run(attention, together);
        float[] part = run(attention, alone);
        assertThat(Arrays.copyOfRange(all, 70 * together.stride(), 202 * together.stride()))
                .isEqualTo(part);
    }
}
