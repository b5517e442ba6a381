package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.Stream;
import java.util.Arrays;
import java.util.Locale;

/** Times work of milliseconds by events, the median of some rounds after one that does not count. */
public final class EventTimer {

    private static final int ROUNDS = 5;

    private final Stream stream;
    private final Event start;
    private final Event end;

    public EventTimer(Device device, Stream stream) {
        this.stream = stream;
        start = device.newTimingEvent();
        end = device.newTimingEvent();
    }

    /** Prints the time, and the rates that so many operations and bytes (0: not said) make of it. */
    public void print(String what, double operations, double bytes, Runnable work) {
        work.run();
        double[] millis = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            stream.synchronize();
            stream.record(start);
            work.run();
            stream.record(end);
            stream.synchronize();
            millis[round] = end.millisSince(start);
        }
        Arrays.sort(millis);
        double median = millis[ROUNDS / 2];
        System.out.printf(
                Locale.ROOT,
                "  %-44s %9.3f ms%s%s%n",
                what,
                median,
                rate(operations, median, "TFLOP/s"),
                rate(bytes, median, "TB/s"));
    }

    private static String rate(double count, double millis, String unit) {
        return count == 0 ? "" : String.format(Locale.ROOT, "  %7.2f %s", count / millis / 1e9, unit);
    }
}
