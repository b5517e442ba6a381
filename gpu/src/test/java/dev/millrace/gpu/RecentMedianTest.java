package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RecentMedianTest {

    @Test
    void theMiddleOfTheLastValuesCounts() {
        RecentMedian median = new RecentMedian(3);
        assertThat(median.orElse(7)).isEqualTo(7);
        median.add(5);
        assertThat(median.orElse(7)).isEqualTo(5);
        median.add(1);
        assertThat(median.orElse(7)).as("the lower of two").isEqualTo(1);
        median.add(1000);
        assertThat(median.orElse(7)).isEqualTo(5);
        median.add(6);
        assertThat(median.orElse(7)).as("of 1, 1000 and 6").isEqualTo(6);
    }
}
