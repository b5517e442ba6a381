package dev.millrace.bench.serve;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Sends requests when they are due, no more than so many at a time; one that is due too early waits its turn. */
final class LoadRun {

    private static final double NANOS = 1e9;

    private final LoadClient client;
    private final int maxConcurrency;
    private final Runnable onEnd;
    private final Queue<Runnable> waiting = new ArrayDeque<>(); // guarded by this, as running is
    private int running;

    /**
     * @param maxConcurrency requests at a time at most
     * @param onEnd called when a request has ended
     */
    LoadRun(LoadClient client, int maxConcurrency, Runnable onEnd) {
        this.client = client;
        this.maxConcurrency = maxConcurrency;
        this.onEnd = onEnd;
    }

    /**
     * Sends them all and waits for their ends.
     *
     * @param arrivals seconds from now to each request, rising
     * @return outcomes in the requests' order
     */
    List<Outcome> send(List<LoadRequest> requests, double[] arrivals) throws InterruptedException {
        double start = client.clock().seconds();
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
            double due = start + arrivals[i];
            TimeUnit.NANOSECONDS.sleep((long) ((due - client.clock().seconds()) * NANOS));
            outcomes.add(submit(requests.get(i)));
        }
        return outcomes.stream().map(CompletableFuture::join).toList();
    }

    private CompletableFuture<Outcome> submit(LoadRequest request) {
        double arrival = client.clock().seconds();
        var outcome = new CompletableFuture<Outcome>();
        start(() -> client.send(request, arrival).whenComplete((result, failure) -> {
            onEnd.run();
            startNext();
            outcome.complete(result);
        }));
        return outcome;
    }

    private void start(Runnable call) {
        synchronized (this) {
            if (running == maxConcurrency) {
                waiting.add(call);
                return;
            }
            running++;
        }
        call.run();
    }

    private void startNext() {
        Runnable next;
        synchronized (this) {
            next = waiting.poll();
            if (next == null) {
                running--;
                return;
            }
        }
        next.run();
    }
}
