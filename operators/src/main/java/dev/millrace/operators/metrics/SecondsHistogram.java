package dev.millrace.operators.metrics;

import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.HistogramStatistics;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/** Durations, taken in nanoseconds and shown in seconds, over the latest of them. */
final class SecondsHistogram implements Histogram {

    private static final int WINDOW = 1_000;
    private static final double SECOND = 1e9;

    private final Histogram nanos = new DescriptiveStatisticsHistogram(WINDOW);

    @Override
    public void update(long value) {
        nanos.update(value);
    }

    @Override
    public long getCount() {
        return nanos.getCount();
    }

    @Override
    public HistogramStatistics getStatistics() {
        return new Seconds(nanos.getStatistics());
    }

    /** What Flink wants as whole numbers, the extremes, is rounded to seconds. */
    private static final class Seconds extends HistogramStatistics {

        private final HistogramStatistics nanos;

        Seconds(HistogramStatistics nanos) {
            this.nanos = nanos;
        }

        @Override
        public double getQuantile(double quantile) {
            return nanos.getQuantile(quantile) / SECOND;
        }

        @Override
        public long[] getValues() {
            long[] values = nanos.getValues();
            for (int i = 0; i < values.length; i++) {
                values[i] = Math.round(values[i] / SECOND);
            }
            return values;
        }

        @Override
        public int size() {
            return nanos.size();
        }

        @Override
        public double getMean() {
            return nanos.getMean() / SECOND;
        }

        @Override
        public double getStdDev() {
            return nanos.getStdDev() / SECOND;
        }

        @Override
        public long getMax() {
            return Math.round(nanos.getMax() / SECOND);
        }

        @Override
        public long getMin() {
            return Math.round(nanos.getMin() / SECOND);
        }
    }
}
