package dev.millrace.gpu.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import dev.millrace.model.checkpoint.WeightSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WeightLoaderTest {

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    /** Weights in memory, as a checkpoint would have them. */
    private static final class Stored implements WeightSource {
        private final Map<String, Tensor> tensors = new HashMap<>();

        /** Stores values, and returns what is really stored. */
        float[] add(String name, Dtype dtype, float[] values, long... shape) {
            ByteBuffer data =
                    ByteBuffer.allocateDirect(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                switch (dtype) {
                    case BF16 -> data.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
                    case F16 -> data.putShort(
                            (short) (Math.round(Math.abs(value) * 16) + 0x1234 | (value < 0 ? 0x8000 : 0)));
                    case F32 -> data.putFloat(value);
                    default -> data.putInt((int) value);
                }
            }
            Tensor tensor = new Tensor(name, dtype, shape, data.flip());
            tensors.put(name, tensor);
            return dtype == Dtype.I32 ? values : tensor.toFloats();
        }

        @Override
        public Tensor weight(String name, long... shape) {
            return tensors.get(name);
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void matricesAreStackedAndPaddedWithZerosWhateverTheyAreStoredAs(Type type) {
        int inner = 70;
        Stored source = new Stored();
        Randoms randoms = new Randoms(1);
        float[] a = source.add("a", Dtype.BF16, randoms.normal(3 * inner), 3, inner);
        float[] b = source.add("b", Dtype.F16, randoms.normal(5 * inner), 5, inner);
        float[] c = source.add("c", Dtype.F32, randoms.normal(2 * inner), 2, 7, 10);
        try (WeightFeed feed = new StreamedFeed(test.device(), source);
                WeightLoader loader = new WeightLoader(test.device(), type, feed)) {
            Matrix matrix = loader.matrix(
                    Part.matrix("a", 3, inner).paddedTo(4),
                    Part.matrix("b", 5, inner).paddedTo(8),
                    Part.of("c", 2, 7, 10));
            loader.finish();
            assertThat(matrix.out()).isEqualTo(14);
            assertThat(matrix.stride()).isEqualTo(128);
            float[] expected = new float[14 * 128];
            put(expected, 0, TestDevice.rounded(type, a), inner);
            put(expected, 4, TestDevice.rounded(type, b), inner);
            put(expected, 12, TestDevice.rounded(type, c), inner);
            assertThat(test.readAll(type, matrix.values())).isEqualTo(expected);
        }
    }

    @Test
    void aMatrixOfManyPiecesArrivesWhole() {
        int rows = 300;
        int inner = 16_384; // 19 MB in fp32, pieces of 8 MiB
        Stored source = new Stored();
        float[] values = source.add("large", Dtype.F32, new Randoms(2).normal(rows * inner), rows, inner);
        try (WeightFeed feed = new StreamedFeed(test.device(), source);
                WeightLoader loader = new WeightLoader(test.device(), Type.F32, feed)) {
            Matrix matrix = loader.matrix(Part.matrix("large", rows, inner));
            loader.finish();
            assertThat(test.readAll(Type.F32, matrix.values())).isEqualTo(values);
        }
    }

    @Test
    void vectorsAreSinglePrecisionOneBehindTheOther() {
        Stored source = new Stored();
        float[] a = source.add("a", Dtype.BF16, new Randoms(3).normal(5), 5);
        float[] b = source.add("b", Dtype.F32, new Randoms(4).normal(3), 3);
        try (WeightFeed feed = new StreamedFeed(test.device(), source);
                WeightLoader loader = new WeightLoader(test.device(), Type.BF16, feed)) {
            DeviceBuffer vector = loader.vector(Part.vector("a", 5), Part.vector("b", 3));
            loader.finish();
            assertThat(test.readAll(Type.F32, vector)).containsExactly(a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2]);
        }
    }

    @Test
    void integersAreNoWeights() {
        Stored source = new Stored();
        source.add("i", Dtype.I32, new float[4], 4);
        try (WeightFeed feed = new StreamedFeed(test.device(), source);
                WeightLoader loader = new WeightLoader(test.device(), Type.BF16, feed)) {
            assertThatThrownBy(() -> loader.vector(Part.vector("i", 4)))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("weight i is stored as I32");
        }
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void randomMatricesHaveTheVarianceOfTheirFanInAndAreTheSameEveryTime(Type type) {
        int inner = 100;
        try (WeightFeed feed = new RandomFeed(test.device());
                WeightLoader loader = new WeightLoader(test.device(), type, feed)) {
            Matrix first = loader.matrix(Part.matrix("w", 200, inner));
            Matrix again = loader.matrix(Part.matrix("w", 200, inner));
            Matrix other = loader.matrix(Part.matrix("v", 200, inner));
            DeviceBuffer norm = loader.vector(Part.vector("norm.weight", 3));
            DeviceBuffer bias = loader.vector(Part.vector("q_proj.bias", 3));
            loader.finish();
            float[] values = test.readAll(type, first.values());
            double squares = 0;
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                squares += (double) values[i] * values[i];
                sum += values[i];
                assertThat(i % 128 < inner || values[i] == 0).isTrue();
            }
            int count = 200 * inner;
            // of 20,000 uniform values the mean square is known to 0.6 %, the mean to 0.7 % of the deviation
            assertThat(squares / count * inner).isBetween(0.97, 1.03);
            assertThat(Math.abs(sum / count) * Math.sqrt(inner)).isLessThan(0.03);
            assertThat(test.readAll(type, again.values())).isEqualTo(values);
            assertThat(test.readAll(type, other.values())).isNotEqualTo(values);
            assertThat(test.readAll(Type.F32, norm)).containsExactly(1, 1, 1);
            assertThat(test.readAll(Type.F32, bias)).containsExactly(0, 0, 0);
        }
    }

    private static void put(float[] to, int row, float[] values, int inner) {
        for (int i = 0; i < values.length; i++) {
            to[(row + i / inner) * 128 + i % inner] = values[i];
        }
    }
}
