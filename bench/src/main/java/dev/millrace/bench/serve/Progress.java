package dev.millrace.bench.serve;

import java.io.PrintWriter;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar that grows with each request that ends. Safe for use by several threads. */
final class Progress implements AutoCloseable {

    private static final int WIDTH = 100;
    private static final int MILLIS = 500;

    private final ProgressBar bar;
    private final PrintWriter out;

    /** @param bar null where none is shown */
    private Progress(ProgressBar bar, PrintWriter out) {
        this.bar = bar;
        this.out = out;
    }

    static Progress of(int requests, PrintWriter out) {
        var bar = new ProgressBarBuilder()
                .setTaskName("Requests")
                .setInitialMax(requests)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(MILLIS)
                .showSpeed()
                .setConsumer(new DelegatingProgressBarConsumer(
                        line -> {
                            out.print("\r" + line);
                            out.flush();
                        },
                        WIDTH))
                .build();
        return new Progress(bar, out);
    }

    static Progress none() {
        return new Progress(null, null);
    }

    void step() {
        if (bar != null) {
            bar.step();
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            out.println();
            out.flush();
        }
    }
}
