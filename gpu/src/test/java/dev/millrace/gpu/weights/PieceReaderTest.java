package dev.millrace.gpu.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class PieceReaderTest {

    @Test
    void aPieceMayReachOverTheWindowsOfATensor() {
        List<ByteBuffer> windows = List.of(
                ByteBuffer.wrap(new byte[] {0, 1, 2, 3}),
                ByteBuffer.wrap(new byte[] {4, 5, 6, 7}),
                ByteBuffer.wrap(new byte[] {8, 9}));
        Tensor tensor = new Tensor("w", Dtype.BF16, new long[] {5, 1}, windows);
        byte[] to = new byte[9];
        PieceReader.copy(tensor, 2, ByteBuffer.wrap(to), 8);
        assertThat(to).containsExactly(2, 3, 4, 5, 6, 7, 8, 9, 0);
    }
}
