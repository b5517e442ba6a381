package dev.millrace.bench.serve;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Collections;
import java.util.concurrent.TimeUnit;

/** What comes before the measurement: waiting for the server, and requests that nobody counts. */
final class WarmUp {

    private static final int PAUSE_SECONDS = 1;

    private final LoadClient client;
    private final TrafficOptions traffic;
    private final PrintWriter out;

    WarmUp(LoadClient client, TrafficOptions traffic, PrintWriter out) {
        this.client = client;
        this.traffic = traffic;
        this.out = out;
    }

    /** @throws IOException if the server did not answer in time */
    void run(LoadRequest request) throws IOException, InterruptedException {
        if (traffic.readyCheckSeconds > 0) {
            say("Starting initial single prompt test run...");
            awaitAnswer(request);
            say("Initial test run completed.");
        }
        if (traffic.numWarmups > 0) {
            say("Warming up with %d requests...".formatted(traffic.numWarmups));
            new LoadRun(client, traffic.concurrency(), () -> {})
                    .send(Collections.nCopies(traffic.numWarmups, request), new double[traffic.numWarmups]);
            say("Warmup run completed.");
        }
    }

    private void awaitAnswer(LoadRequest request) throws IOException, InterruptedException {
        double end = client.clock().seconds() + traffic.readyCheckSeconds;
        Outcome outcome = ask(request);
        while (!outcome.success()) {
            if (client.clock().seconds() >= end) {
                throw new IOException("the server did not answer the first request in %d seconds: %s"
                        .formatted(traffic.readyCheckSeconds, outcome.error()));
            }
            TimeUnit.SECONDS.sleep(PAUSE_SECONDS);
            outcome = ask(request);
        }
    }

    private Outcome ask(LoadRequest request) {
        return client.send(request, client.clock().seconds()).join();
    }

    private void say(String line) {
        out.println(line);
        out.flush();
    }
}
