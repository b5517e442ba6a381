package dev.millrace.gateway.http;

import java.util.List;

/** How many values are at most as large as each bound, and all of them, as Prometheus reads it. */
final class Histogram {

    private final List<Double> bounds;
    private final long[] atMost;
    private long count;
    private double sum;

    Histogram(List<Double> bounds) {
        this.bounds = bounds;
        this.atMost = new long[bounds.size()];
    }

    void add(double value) {
        for (int i = 0; i < atMost.length; i++) {
            atMost[i] += value <= bounds.get(i) ? 1 : 0;
        }
        count++;
        sum += value;
    }

    void write(MetricsText text, String name, String labels) {
        for (int i = 0; i < atMost.length; i++) {
            text.line(name + "_bucket", labels + ",le=\"" + bounds.get(i) + "\"", atMost[i]);
        }
        text.line(name + "_bucket", labels + ",le=\"+Inf\"", count);
        text.line(name + "_sum", labels, sum);
        text.line(name + "_count", labels, count);
    }
}
