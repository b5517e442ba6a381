package dev.millrace.gpu.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class PieceReaderTest {

    private static final Tensor TENSOR = new Tensor(
            "w",
            Dtype.BF16,
            new long[] {2, 3},
            List.of(
                    ByteBuffer.wrap(new byte[] {0, 1, 2, 3}),
                    ByteBuffer.wrap(new byte[] {4, 5, 6, 7}),
                    ByteBuffer.wrap(new byte[] {8, 9, 10, 11})));

    @Test
    void rowsMayReachOverThePartsOfATensorsMapping() {
        byte[] to = new byte[7];
        PieceReader.copy(TENSOR, new PieceReader.Window(1, 1, Span.all(3)), ByteBuffer.wrap(to));
        assertThat(to).containsExactly(6, 7, 8, 9, 10, 11, 0);
    }

    @Test
    void columnsComeFromEachRow() {
        byte[] to = new byte[9];
        PieceReader.copy(TENSOR, new PieceReader.Window(0, 2, new Span(1, 2, 3)), ByteBuffer.wrap(to));
        assertThat(to).containsExactly(2, 3, 4, 5, 8, 9, 10, 11, 0);
    }
}
