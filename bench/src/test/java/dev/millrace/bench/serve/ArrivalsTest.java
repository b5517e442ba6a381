package dev.millrace.bench.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArrivalsTest {

    private static final int COUNT = 20_000;

    @Test
    void withoutARateAllArriveAtOnce() {
        assertThat(new Arrivals(Double.POSITIVE_INFINITY, 1).draw(3, new Random(0)))
                .containsExactly(0, 0, 0);
    }

    @Test
    void withEndlessBurstinessTheyComeInAFixedBeat() {
        double[] times = new Arrivals(4, Double.POSITIVE_INFINITY).draw(3, new Random(0));

        assertThat(times).containsExactly(new double[] {0.25, 0.5, 0.75}, within(1e-12));
    }

    /** A gamma distribution of shape k has the mean k and the variance k, of scale 1 / (rate k) thus 1 / rate and 1 / (rate² k). */
    @ParameterizedTest
    @ValueSource(doubles = {0.25, 0.5, 1, 2.5, 16})
    void pausesHaveTheGammaDistributionsVarianceAndTheRatesMean(double burstiness) {
        double rate = 10;

        double[] times = new Arrivals(rate, burstiness).draw(COUNT, new Random(1));

        double[] pauses = new double[COUNT];
        for (int i = 0; i < COUNT; i++) {
            pauses[i] = times[i] - (i == 0 ? 0 : times[i - 1]);
        }
        assertThat(times[COUNT - 1]).isCloseTo(COUNT / rate, within(1e-6));
        assertThat(Arrays.stream(pauses)).allMatch(pause -> pause >= 0);
        double variance = Arrays.stream(pauses)
                .map(pause -> Math.pow(pause - 1 / rate, 2))
                .average()
                .orElseThrow();
        assertThat(variance * rate * rate * burstiness).isCloseTo(1, within(0.08));
    }

    /** Of pauses of an exponential distribution 1 − 1/e are shorter than their mean. */
    @Test
    void aPoissonProcesssPausesAreExponential() {
        double[] times = new Arrivals(1, 1).draw(COUNT, new Random(2));

        int shorter = 0;
        for (int i = 1; i < COUNT; i++) {
            shorter += times[i] - times[i - 1] < 1 ? 1 : 0;
        }

        assertThat(shorter / (double) COUNT).isCloseTo(1 - 1 / Math.E, within(0.01));
    }
}
