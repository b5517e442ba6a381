package dev.millrace.gpu.operations;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ProductRowsTest {

    @Test
    void everyNumberOfRowsIsOneOfThoseThatAreTried() {
        var tried = ProductRows.upTo(9000).boxed().toList();
        for (int rows = 1; rows <= 9000; rows++) {
            assertThat(ProductRows.atLeast(rows)).isGreaterThanOrEqualTo(rows).isIn(tried);
        }
        assertThat(tried).hasSizeLessThan(120).endsWith(ProductRows.atLeast(9000));
    }

    @Test
    void aQuarterIsComputedInVainAtMostAndNothingOfTheUsualSizes() {
        for (int rows = 17; rows <= 100_000; rows++) {
            assertThat(ProductRows.atLeast(rows)).isLessThan(2 * rows);
            if (rows > 64) {
                assertThat(ProductRows.atLeast(rows)).isLessThanOrEqualTo(rows * 5 / 4);
            }
        }
        IntStream.of(1, 8, 16, 32, 64, 128, 256, 2048, 8192, 32_768)
                .forEach(rows -> assertThat(ProductRows.atLeast(rows)).isEqualTo(rows));
    }
}
