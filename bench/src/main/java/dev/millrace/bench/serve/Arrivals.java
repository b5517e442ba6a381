package dev.millrace.bench.serve;

import java.util.random.RandomGenerator;

/**
 * When requests are sent.
 *
 * @param rate requests a second, or infinity: all at once
 * @param burstiness shape of the gamma distribution that the pauses follow: 1 is a Poisson process, less comes in bursts, more is
 *     more even, infinity is a fixed beat
 */
record Arrivals(double rate, double burstiness) {

    /**
     * Seconds from the start to each request. The last one comes at count / rate, whatever the pauses drawn, so that runs with
     * other seeds offer the same load (as vLLM's {@code get_request} does it).
     */
    double[] draw(int count, RandomGenerator random) {
        double[] times = new double[count];
        if (Double.isInfinite(rate)) {
            return times;
        }
        double time = 0;
        for (int i = 0; i < count; i++) {
            time += Double.isInfinite(burstiness) ? 1 / rate : gamma(random) / (rate * burstiness);
            times[i] = time;
        }
        double stretch = count / rate / time;
        for (int i = 0; i < count; i++) {
            times[i] *= stretch;
        }
        return times;
    }

    /** Of shape {@link #burstiness} and scale 1; a shape below 1 is drawn from the next one's and a power of a uniform number. */
    private double gamma(RandomGenerator random) {
        if (burstiness >= 1) {
            return gamma(burstiness, random);
        }
        return gamma(burstiness + 1, random) * Math.pow(1 - random.nextDouble(), 1 / burstiness);
    }

    /** G. Marsaglia and W. W. Tsang, A Simple Method for Generating Gamma Variables, 2000; shape from 1 on. */
    private static double gamma(double shape, RandomGenerator random) {
        double d = shape - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = random.nextGaussian();
            double v = Math.pow(1 + c * x, 3);
            if (v > 0 && Math.log(1 - random.nextDouble()) < x * x / 2 + d - d * v + d * Math.log(v)) {
                return d * v;
            }
        }
    }
}
