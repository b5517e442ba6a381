package dev.millrace.cpu.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.Limits;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeyValueCacheSizeTest {

    private static final long GIB = 1L << 30;
    private static final TextConfig TEXT =
            new TextConfig(1024, 256, 640, 6, 8, 2, 32, 2048, 1e-6, 1e4, null, true, -1, new int[] {1});
    private static final long BLOCK_BYTES = 6 * 2 * 16 * (32 + 32) * Float.BYTES;

    @Test
    void aSmallHeapGivesAQuarterAndALargeOneAGibibyte() {
        assertThat(size(0, 0, GIB)).isEqualTo((int) (GIB / 4 / BLOCK_BYTES));
        assertThat(size(0, 0, 64 * GIB)).isEqualTo((int) (GIB / BLOCK_BYTES));
    }

    @Test
    void whatIsAskedForHoldsWhateverTheHeap() {
        assertThat(size(0, 2 * GIB, GIB)).isEqualTo((int) (2 * GIB / BLOCK_BYTES));
        assertThat(size(1000, 2 * GIB, GIB)).isEqualTo(1000);
    }

    @Test
    void aCacheTooSmallForTheLongestSequenceIsRefusedInVllmsWords() {
        assertThatThrownBy(() -> size(64, 0, GIB))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("max seq len (1024) is larger than the maximum number of tokens")
                .hasMessageContaining("KV cache (1008)");
    }

    private static int size(int numBlocks, long bytes, long heap) {
        var cache = new Cache(16, numBlocks, bytes, false);
        return KeyValueCacheSize.of(List.of(TEXT), cache, new Limits(1024, 64, 1024), heap)
                .numBlocks();
    }
}
