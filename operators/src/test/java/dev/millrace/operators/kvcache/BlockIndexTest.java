package dev.millrace.operators.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockIndexTest {

    @Test
    void itFindsWhatAMapFindsAlsoWhereKeysCollide() {
        int numBlocks = 50;
        BlockIndex index = new BlockIndex(numBlocks);
        Map<BlockKey, Integer> expected = new HashMap<>();
        Random random = new Random(3);
        for (int i = 0; i < 20_000; i++) {
            BlockKey key = key(1 + random.nextInt(20), random.nextInt(6) - 3);
            int block = 1 + random.nextInt(numBlocks - 1);
            assertThat(index.find(key)).isEqualTo(expected.getOrDefault(key, BlockIndex.NONE));
            if (index.hasKey(block)) {
                assertThat(index.leadsTo(block)).isTrue();
                index.remove(block);
                expected.values().remove(block);
            } else if (!expected.containsKey(key)) {
                index.put(key, block);
                expected.put(key, block);
            }
            assertThat(index.size()).isEqualTo(expected.size());
        }
        expected.forEach((key, block) -> assertThat(index.find(key)).isEqualTo(block));
    }

    /** A key of one of a few homes, some before and some after the end of the table. */
    private static BlockKey key(long high, long home) {
        return new BlockKey(high, home << Integer.SIZE);
    }
}
