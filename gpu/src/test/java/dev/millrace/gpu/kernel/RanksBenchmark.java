package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.Graph;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.AllReduce.Form;
import dev.millrace.gpu.parallel.RankMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Measures what it costs that ranks wait for each other, at the 7B model's width in bf16: a copy from a peer, all-reduces of
 * every form and the gathering of logits, many in one graph on each rank, timed by the first rank's clock. Arguments: how
 * many ranks (all devices unless given), and a number that all sizes are divided by (to try it on the emulator, say).
 */
public final class RanksBenchmark {

    private static final int HIDDEN = 3584;
    private static final int VOCABULARY = 152_064;
    private static final int MOST_TOKENS = 8192;
    private static final int LAUNCHES = 56; // in a step
    private static final int ROUNDS = 11;
    private static final long PATIENCE_NANOS = 5_000_000_000L;
    private static final int TURNS = 2;

    private final List<Device> devices = new ArrayList<>();
    private final List<Stream> streams = new ArrayList<>();
    private final List<RankMemory> memories;
    private final List<AllReduce> allReduces = new ArrayList<>();
    private final List<AllReduceNorm> few = new ArrayList<>();
    private final List<RmsNorm> norms = new ArrayList<>();
    private final List<GatherColumns> gathers = new ArrayList<>();
    private final List<DeviceBuffer> weights = new ArrayList<>();
    private final List<DeviceBuffer> normed = new ArrayList<>();
    private final List<DeviceBuffer> x = new ArrayList<>();
    private final Event start;
    private final Event end;
    private final int tokens; // that there is room for

    private RanksBenchmark(int ranks, int shrink) {
        tokens = Math.max(64 * VOCABULARY / HIDDEN, MOST_TOKENS) / shrink + 64;
        for (int r = 0; r < ranks; r++) {
            devices.add(Device.open(r));
            streams.add(devices.get(r).newStream());
        }
        memories = RankMemory.allocate(devices, TURNS * bytes(tokens), PATIENCE_NANOS);
        for (int r = 0; r < ranks; r++) {
            Device device = bind(r);
            allReduces.add(new AllReduce(device, Type.BF16, memories.get(r)));
            few.add(new AllReduceNorm(device, Type.BF16, memories.get(r), 1e-6));
            norms.add(new RmsNorm(device, Type.BF16, 1e-6));
            weights.add(device.allocate(HIDDEN * Float.BYTES, "a norm's weight"));
            normed.add(device.allocate(bytes(tokens), "normed values"));
            streams.get(r).fill(weights.get(r), 0);
            gathers.add(new GatherColumns(device, memories.get(r)));
            x.add(device.allocate(bytes(tokens), "values of all ranks"));
            streams.get(r).fill(x.get(r), 0);
            streams.get(r).fill(memories.get(r).room(), 0);
            streams.get(r).synchronize();
        }
        bind(0);
        start = devices.get(0).newTimingEvent();
        end = devices.get(0).newTimingEvent();
        RankMemory.begin(devices, memories);
    }

    public static void main(String[] args) {
        int ranks = args.length > 0 ? Integer.parseInt(args[0]) : Device.count();
        int shrink = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        var benchmark = new RanksBenchmark(ranks, shrink);
        benchmark.copyFromPeer();
        for (int count : new int[] {1, 8, 32, 64, 256, 1024, MOST_TOKENS}) {
            benchmark.allReduce(Math.max(1, count / shrink));
        }
        benchmark.gather(1, VOCABULARY / shrink);
        benchmark.gather(64, VOCABULARY / shrink);
        benchmark.memories.get(0).stop().check();
        benchmark.devices.forEach(Device::close);
    }

    private Device bind(int rank) {
        devices.get(rank).bindThread();
        return devices.get(rank);
    }

    private static long bytes(int tokens) {
        return (long) tokens * HIDDEN * Type.BF16.bytes();
    }

    private void copyFromPeer() {
        bind(0);
        Stream stream = streams.get(0);
        for (long bytes : new long[] {16, x.get(0).bytes()}) {
            DeviceBuffer from = memories.get(1).room();
            double[] micros = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                stream.record(start);
                stream.copy(x.get(0), 0, from, 0, bytes);
                stream.record(end);
                stream.synchronize();
                micros[round] = 1e3 * end.millisSince(start);
            }
            print("copy from a peer", bytes, median(micros), bytes);
        }
    }

    private void allReduce(int count) {
        if (few.get(0).supports(count, HIDDEN)) {
            double micros = time((rank, turn) -> few.get(rank)
                    .addAndNorm(
                            streams.get(rank),
                            place(rank, turn),
                            count,
                            HIDDEN,
                            x.get(rank),
                            weights.get(rank),
                            HIDDEN,
                            normed.get(rank)));
            long received = bytes(count) * (devices.size() - 1);
            print("all-reduce and norm, pushed, of " + count + " tokens", bytes(count), micros, received);
        }
        print(
                "norm of " + count + " tokens",
                bytes(count),
                time((rank, turn) -> norms.get(rank)
                        .launch(
                                streams.get(rank),
                                x.get(rank),
                                count,
                                weights.get(rank),
                                HIDDEN,
                                HIDDEN,
                                normed.get(rank))),
                0);
        for (Form form : Form.values()) {
            double micros = time((rank, turn) -> allReduces
                    .get(rank)
                    .launch(form, streams.get(rank), place(rank, turn), (long) count * HIDDEN, x.get(rank)));
            long received = bytes(count) * (devices.size() - 1) * (form == Form.SCATTERED ? 2 : devices.size());
            print("all-reduce " + form + " of " + count + " tokens", bytes(count), micros, received / devices.size());
        }
    }

    private void gather(int rows, int width) {
        double micros = time((rank, turn) -> gathers.get(rank).launch(streams.get(rank), rows, width, place(rank, 0)));
        long bytes = (long) rows * width * Float.BYTES;
        print("gather logits of " + rows + " rows", bytes, micros, bytes * (devices.size() - 1) / devices.size());
    }

    private DeviceBuffer place(int rank, int turn) {
        return memories.get(rank).room().slice(turn * bytes(tokens), bytes(tokens));
    }

    private interface Launch {
        void on(int rank, int turn);
    }

    /** Microseconds of one launch. */
    private double time(Launch launch) {
        List<Graph> graphs = new ArrayList<>();
        for (int r = 0; r < devices.size(); r++) {
            bind(r);
            int rank = r;
            graphs.add(streams.get(r).capture(() -> {
                for (int i = 0; i < LAUNCHES; i++) {
                    launch.on(rank, i % TURNS);
                }
            }));
        }
        double[] micros = new double[ROUNDS];
        for (int round = -1; round < ROUNDS; round++) {
            for (int r = devices.size() - 1; r > 0; r--) {
                bind(r);
                streams.get(r).launch(graphs.get(r));
            }
            bind(0);
            streams.get(0).record(start);
            streams.get(0).launch(graphs.get(0));
            streams.get(0).record(end);
            streams.get(0).synchronize();
            micros[Math.max(0, round)] = 1e3 * end.millisSince(start) / LAUNCHES;
            for (int r = 1; r < devices.size(); r++) {
                bind(r);
                streams.get(r).synchronize();
            }
        }
        for (int r = 0; r < devices.size(); r++) {
            bind(r);
            graphs.get(r).close();
        }
        return median(micros);
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    /** @param received bytes that come from other ranks */
    private static void print(String what, long bytes, double micros, long received) {
        System.out.printf(
                Locale.ROOT,
                "%-44s %9.1f KB %9.2f us %7.1f GB/s from peers%n",
                what,
                bytes / 1e3,
                micros,
                received / micros / 1e3);
    }
}
