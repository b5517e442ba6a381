package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.Graph;
import dev.millrace.gpu.device.Stream;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntConsumer;

/** Times launches on a real device, many in one captured graph, so that issuing them costs nothing. */
public final class GraphTimer {

    private static final int LAUNCHES = 40;
    private static final int ROUNDS = 9;

    private final Stream stream;
    private final Event start;
    private final Event end;
    private final double bandwidth;

    /** @param bandwidth bytes a second that reading memory reaches on this device */
    public GraphTimer(Device device, Stream stream, double bandwidth) {
        this.stream = stream;
        this.bandwidth = bandwidth;
        start = device.newTimingEvent();
        end = device.newTimingEvent();
    }

    /** Prints the median time of a launch, and what share of the bandwidth its bytes make. */
    public void print(String what, double bytes, IntConsumer launch) {
        double micros = microseconds(launch);
        double rate = bytes / micros * 1e6;
        System.out.printf(
                Locale.ROOT,
                "%-58s %9.2f us %8.1f MB %6.2f TB/s %5.1f %%%n",
                what,
                micros,
                bytes / 1e6,
                rate / 1e12,
                100 * rate / bandwidth);
    }

    /** The median over rounds of the time of one launch. */
    private double microseconds(IntConsumer launch) {
        stream.beginCapture();
        for (int i = 0; i < LAUNCHES; i++) {
            launch.accept(i);
        }
        double[] millis = new double[ROUNDS];
        try (Graph graph = stream.endCapture()) {
            stream.launch(graph);
            for (int round = 0; round < ROUNDS; round++) {
                stream.record(start);
                stream.launch(graph);
                stream.record(end);
                stream.synchronize();
                millis[round] = end.millisSince(start);
            }
        }
        Arrays.sort(millis);
        return millis[ROUNDS / 2] * 1e3 / LAUNCHES;
    }
}
