package dev.millrace.gpu.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig.TextConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ShareTest {

    private static final int HIDDEN = 70;
    private static final int HEAD = 6;

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    private static TextConfig config(int heads, int keyHeads, int width, boolean tied) {
        return new TextConfig(
                37, HIDDEN, width, 1, heads, keyHeads, HEAD, 100, 1e-6, 10_000, null, tied, -1, new int[] {1});
    }

    /** Any weight that is asked for, always the same. */
    private static final class AnyWeight implements WeightSource {
        @Override
        public Tensor weight(String name, long... shape) {
            int count = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
            ByteBuffer data = ByteBuffer.allocateDirect(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            data.asFloatBuffer().put(new Randoms(name.hashCode()).normal(count));
            return new Tensor(name, Dtype.F32, shape, data);
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @CsvSource({"2, F32, false, true", "4, BF16, true, true", "8, F32, false, true", "4, F32, false, false"})
    void whatTheRanksHaveMakesUpTheWhole(int ranks, Type type, boolean tied, boolean stored) {
        int width = 136;
        TextConfig config = config(8, 4, width, tied);
        TextWeights whole = load(config, type, Share.WHOLE, stored);
        TextWeights.Layer all = whole.layers().get(0);
        int queries = 8 / ranks * HEAD;
        int keys = Math.max(1, 4 / ranks) * HEAD;
        int inner = width / ranks;
        int token = 0;
        for (int rank = 0; rank < ranks; rank++) {
            Share share = new Share(rank, ranks);
            TextWeights some = load(config, type, share, stored);
            TextWeights.Layer own = some.layers().get(0);
            int firstKey = rank * 4 / ranks * HEAD;
            var qkv = new Comparison(type, own.qkv().weight(), all.qkv().weight());
            qkv.rows(0, rank * queries, queries);
            qkv.rows(queries, 8 * HEAD + firstKey, keys);
            qkv.rows(queries + keys, 12 * HEAD + firstKey, keys);
            assertThat(own.qkv().weight().out()).isEqualTo(queries + 2 * keys);
            float[] bias = test.readAll(Type.F32, all.qkv().bias());
            assertThat(test.readAll(Type.F32, own.qkv().bias()))
                    .startsWith(Arrays.copyOfRange(bias, rank * queries, (rank + 1) * queries))
                    .endsWith(Arrays.copyOfRange(bias, 12 * HEAD + firstKey, 12 * HEAD + firstKey + keys));
            new Comparison(type, own.output(), all.output()).columns(rank * queries, queries);
            var gateUp = new Comparison(type, own.gateUp(), all.gateUp());
            gateUp.rows(0, rank * inner, inner);
            gateUp.zeros(inner, Matrix.padded(inner) - inner);
            gateUp.rows(Matrix.padded(inner), Matrix.padded(width) + rank * inner, inner);
            assertThat(own.gateUp().out()).isEqualTo(2 * Matrix.padded(inner));
            new Comparison(type, own.down(), all.down()).columns(rank * inner, inner);
            assertThat(own.down().stride()).isEqualTo(Matrix.padded(inner));
            new Comparison(type, some.embedding(), whole.embedding()).rows(0, 0, 37);
            new Comparison(type, some.head(), whole.head())
                    .rows(0, token, some.head().out());
            token += some.head().out();
            assertThat(test.readAll(Type.F32, some.norm())).isEqualTo(test.readAll(Type.F32, whole.norm()));
            assertThat(share.of(config).numHeads()).isEqualTo(queries / HEAD);
            assertThat(share.of(config).numKeyValueHeads()).isEqualTo(keys / HEAD);
            assertThat(share.of(config).intermediateSize()).isEqualTo(inner);
        }
        assertThat(token).isEqualTo(37);
    }

    private TextWeights load(TextConfig config, Type type, Share share, boolean stored) {
        try (WeightFeed feed =
                        stored ? new StreamedFeed(test.device(), new AnyWeight()) : new RandomFeed(test.device());
                WeightLoader loader = new WeightLoader(test.device(), type, feed)) {
            TextWeights weights = TextWeights.load(loader, config, share);
            loader.finish();
            return weights;
        }
    }

    private final class Comparison {
        final float[] own;
        final float[] all;
        final int stride;
        final int wholeStride;

        Comparison(Type type, Matrix own, Matrix all) {
            this.own = values(type, own.values());
            this.all = values(type, all.values());
            stride = own.stride();
            wholeStride = all.stride();
        }

        float[] values(Type type, DeviceBuffer buffer) {
            return test.readAll(type, buffer);
        }

        void rows(int row, int wholeRow, int count) {
            assertThat(Arrays.copyOfRange(own, row * stride, (row + count) * stride))
                    .isEqualTo(Arrays.copyOfRange(all, wholeRow * stride, (wholeRow + count) * stride));
        }

        void zeros(int row, int count) {
            assertThat(Arrays.copyOfRange(own, row * stride, (row + count) * stride))
                    .containsOnly(0);
        }

        void columns(int first, int count) {
            float[] expected = new float[own.length];
            for (int row = 0; row < own.length / stride; row++) {
                System.arraycopy(all, row * wholeStride + first, expected, row * stride, count);
            }
            assertThat(own).isEqualTo(expected);
        }
    }

    @Test
    void sizesThatDoNotDivideAreRefusedWithWhatWould() {
        TextConfig seven = config(28, 4, 18944, false);
        for (int ranks : new int[] {1, 2, 4}) {
            assertThatCode(() -> Share.check(seven, ranks)).doesNotThrowAnyException();
        }
        for (int ranks : new int[] {0, 3, 8}) {
            assertThatThrownBy(() -> Share.check(seven, ranks))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("--tensor-parallel-size is " + ranks)
                    .hasMessageContaining("28 attention heads")
                    .hasMessageContaining("4 key-value heads");
        }
        assertThatCode(() -> Share.check(config(64, 8, 29568, false), 8)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Share.check(config(12, 4, 60, false), 6)).hasMessageContaining("a multiple of them");
        assertThatThrownBy(() -> Share.check(config(8, 4, 66, false), 4)).hasMessageContaining("MLP width of 66");
    }
}
