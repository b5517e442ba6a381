package dev.millrace.gpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.TestRanks;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Graph;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.AllReduce.Form;
import dev.millrace.gpu.parallel.RankMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Kernels in which devices wait for each other. Their sums are made in a stated order, so results are held to every bit. All
 * memory is there before the first of them is launched, because taking it can wait for what a device is doing.
 */
@Tag("peers")
class RanksTest {

    private static final int PLACES = 2;

    private TestRanks test;

    /** Of so many ranks as many as there are devices. */
    private int available(int ranks) {
        return Math.min(ranks, test.count());
    }

    @BeforeEach
    void open() {
        test = new TestRanks(Device.count());
    }

    @AfterEach
    void close() {
        test.close();
    }

    /** Ranks that add up again and again, with two places for what they add. */
    private final class Adding {
        final Type type;
        final int ranks;
        final int count;
        final Form form;
        final List<RankMemory> memory;
        final List<AllReduce> kernels = new ArrayList<>();
        final List<DeviceBuffer> x = new ArrayList<>();
        final float[] expected;

        Adding(Type type, int ranks, int count, Form form) {
            this.type = type;
            this.ranks = ranks;
            this.count = count;
            this.form = form;
            memory = test.memory(ranks, (long) PLACES * count * type.bytes());
            expected = TestDevice.rounded(type, new Randoms(count).normal(count));
            for (int r = 0; r < ranks; r++) {
                TestDevice device = test.on(r);
                kernels.add(new AllReduce(device.device(), type, memory.get(r)));
                DeviceBuffer copy = device.poisoned(type, count);
                device.stream().copy(copy, 0, device.values(type, expected), 0, (long) count * type.bytes());
                x.add(copy);
            }
        }

        DeviceBuffer place(int rank, int place) {
            long bytes = (long) count * type.bytes();
            return memory.get(rank).room().slice(place * bytes, bytes);
        }

        /** Queues a rank's part of a round: its own values come to the round's place, and then all add up. */
        void launch(int rank, int place, DeviceBuffer values) {
            Stream stream = test.on(rank).stream();
            stream.copy(place(rank, place), 0, values, 0, (long) count * type.bytes());
            kernels.get(rank).launch(form, stream, place(rank, place), count, x.get(rank));
        }

        List<DeviceBuffer> random(int seed) {
            float[][] partial = new float[ranks][];
            List<DeviceBuffer> there = new ArrayList<>();
            for (int r = 0; r < ranks; r++) {
                partial[r] = TestDevice.rounded(type, new Randoms(seed * 31L + r).normal(count));
                there.add(test.on(r).values(type, partial[r]));
            }
            for (int i = 0; i < count; i++) {
                float sum = partial[0][i];
                for (int r = 1; r < ranks; r++) {
                    sum += partial[r][i];
                }
                expected[i] = TestDevice.rounded(type, sum + expected[i]);
            }
            return there;
        }

        void check() {
            for (int r = 0; r < ranks; r++) {
                assertThat(test.on(r).read(type, x.get(r))).as("rank %d", r).isEqualTo(expected);
            }
            memory.get(0).stop().check();
        }
    }

    @ParameterizedTest
    @CsvSource({"BF16, 2, WHOLE", "F32, 3, WHOLE", "BF16, 4, SCATTERED", "F32, 2, SCATTERED", "F32, 3, SCATTERED"})
    void allRanksHaveTheSumInTheOrderOfRanksRoundAfterRound(Type type, int ranks, Form form) {
        for (int count : new int[] {8, 4096, 8 * 4999}) {
            var adding = new Adding(type, available(ranks), count, form);
            List<List<DeviceBuffer>> rounds =
                    IntStream.range(0, 5).mapToObj(adding::random).toList();
            for (int r = 0; r < adding.ranks; r++) {
                for (int round = 0; round < rounds.size(); round++) {
                    adding.launch(r, round % PLACES, rounds.get(round).get(r));
                }
            }
            adding.check();
        }
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void sumsOfDifferentSizesFollowEachOtherInAnyForm(Form small) {
        var large = new Adding(Type.F32, 2, 8 * 3001, Form.SCATTERED);
        List<DeviceBuffer> first = large.random(1);
        List<DeviceBuffer> second = large.random(2);
        List<DeviceBuffer> x = new ArrayList<>();
        for (int r = 0; r < 2; r++) {
            x.add(test.on(r).poisoned(Type.F32, 4));
            test.on(r).stream().fill(x.get(r).slice(0, 16), 0);
        }
        for (int r = 0; r < 2; r++) {
            Stream stream = test.on(r).stream();
            large.launch(r, 0, first.get(r));
            stream.fill(large.place(r, 1), 0);
            large.kernels.get(r).launch(small, stream, large.place(r, 1), 4, x.get(r));
            large.launch(r, 0, second.get(r));
        }
        large.check();
        for (int r = 0; r < 2; r++) {
            assertThat(test.on(r).read(Type.F32, x.get(r))).containsExactly(0, 0, 0, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void aGraphAddsUpAnewEveryTimeItIsLaunched(Form form) {
        var adding = new Adding(Type.BF16, 2, 8 * 300, form);
        List<DeviceBuffer> first = adding.random(1);
        List<DeviceBuffer> second = adding.random(2);
        List<Graph> graphs = new ArrayList<>();
        for (int r = 0; r < 2; r++) {
            int rank = r;
            graphs.add(test.on(r).stream().capture(() -> {
                adding.launch(rank, 0, first.get(rank));
                adding.launch(rank, 1, second.get(rank));
            }));
        }
        for (int r = 0; r < 2; r++) {
            for (int again = 0; again < 3; again++) {
                test.on(r).stream().launch(graphs.get(r));
            }
        }
        for (int again = 0; again < 2; again++) {
            adding.random(1);
            adding.random(2);
        }
        adding.check();
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void aRankWhoseFellowDoesNotComeGivesUpAndSaysSo(Form form) {
        List<RankMemory> memory = test.memory(2, 64, 20_000_000);
        TestDevice device = test.on(1);
        var kernel = new AllReduce(device.device(), Type.F32, memory.get(1));
        kernel.launch(form, device.stream(), memory.get(1).room(), 16, device.poisoned(Type.F32, 16));
        device.stream().synchronize();
        assertThatThrownBy(() -> memory.get(0).stop().check())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("GPU of rank 1 waited 0.0 s for another GPU");
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void aRankThatWaitsIsStoppedByTheHost(Form form) {
        long anHour = 3_600_000_000_000L;
        List<RankMemory> memory = test.memory(2, 64, anHour);
        TestDevice device = test.on(0);
        var kernel = new AllReduce(device.device(), Type.F32, memory.get(0));
        kernel.launch(form, device.stream(), memory.get(0).room(), 16, device.poisoned(Type.F32, 16));
        assertThat(device.stream().isDone()).isFalse();
        memory.get(1).stop().stop();
        device.stream().synchronize();
        assertThatThrownBy(() -> memory.get(0).stop().check()).hasMessageContaining("another GPU of the tensor");
    }

    @ParameterizedTest
    @CsvSource({"2, 1, 7", "4, 128, 4097", "3, 3, 20001"})
    void everyRankGetsAllColumnsAndMayWriteOverThemAtOnce(int most, int rows, int width) {
        int ranks = available(most);
        int rounds = 4;
        List<RankMemory> memory = test.memory(ranks, (long) rows * width * Float.BYTES);
        float[][] whole = new float[rounds][];
        DeviceBuffer[][] own = new DeviceBuffer[ranks][rounds];
        DeviceBuffer[][] results = new DeviceBuffer[ranks][rounds];
        List<GatherColumns> kernels = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            TestDevice device = test.on(r);
            kernels.add(new GatherColumns(device.device(), memory.get(r)));
            for (int round = 0; round < rounds; round++) {
                whole[round] = new Randoms(round).normal(rows * width);
                own[r][round] = device.floats(columnsOf(r, ranks, whole[round], width));
                results[r][round] = device.poisoned(Type.F32, (long) rows * width);
            }
        }
        for (int r = 0; r < ranks; r++) {
            Stream stream = test.on(r).stream();
            DeviceBuffer y = memory.get(r).room();
            for (int round = 0; round < rounds; round++) {
                stream.copy(y, 0, own[r][round], 0, y.bytes());
                kernels.get(r).launch(stream, rows, width, y);
                stream.copy(results[r][round], 0, y, 0, y.bytes());
                stream.fill(y, 0xff);
            }
        }
        for (int r = 0; r < ranks; r++) {
            for (int round = 0; round < rounds; round++) {
                assertThat(test.on(r).read(Type.F32, results[r][round]))
                        .as("rank %d", r)
                        .isEqualTo(whole[round]);
            }
        }
        memory.get(0).stop().check();
    }

    @ParameterizedTest
    @CsvSource({"BF16, 2, 1, 3584, 3584", "BF16, 4, 5, 100, 128", "F32, 3, 20, 100, 128", "F32, 2, 64, 200, 256"})
    void fewRowsAreAddedAndNormedToTheBitsOfTheTwoKernelsForMany(Type type, int most, int rows, int width, int stride) {
        int ranks = available(most);
        int rounds = 8;
        var adding = new Adding(type, ranks, rows * stride, Form.WHOLE);
        List<RankMemory> pushing = test.memory(ranks, 64);
        List<List<DeviceBuffer>> partial = new ArrayList<>();
        List<DeviceBuffer> weight = new ArrayList<>();
        List<List<DeviceBuffer>> x = new ArrayList<>();
        List<List<DeviceBuffer>> normed = new ArrayList<>();
        List<AllReduceNorm> few = new ArrayList<>();
        List<RmsNorm> norm = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            TestDevice device = test.on(r);
            weight.add(device.floats(new Randoms(7).normal(width)));
            x.add(List.of(adding.x.get(r), device.values(type, adding.expected)));
            normed.add(List.of(device.poisoned(type, rows * stride), device.poisoned(type, rows * stride)));
        }
        for (int round = 0; round < rounds; round++) {
            partial.add(adding.random(round));
        }
        for (int r = 0; r < ranks; r++) {
            TestDevice device = test.on(r);
            few.add(new AllReduceNorm(device.device(), type, pushing.get(r), 1e-6));
            norm.add(new RmsNorm(device.device(), type, 1e-6));
        }
        for (int r = 0; r < ranks; r++) {
            Stream stream = test.on(r).stream();
            for (int round = 0; round < rounds; round++) {
                adding.launch(r, round % PLACES, partial.get(round).get(r));
            }
            for (int round = 0; round < rounds; round++) {
                DeviceBuffer values = partial.get(round).get(r);
                if (round % 2 == 0) {
                    few.get(r).add(stream, values, rows, stride, x.get(r).get(1));
                } else {
                    few.get(r)
                            .addAndNorm(
                                    stream,
                                    values,
                                    rows,
                                    stride,
                                    x.get(r).get(1),
                                    weight.get(r),
                                    width,
                                    normed.get(r).get(1));
                }
            }
            norm.get(r)
                    .launch(
                            stream,
                            adding.x.get(r),
                            rows,
                            weight.get(r),
                            width,
                            stride,
                            normed.get(r).get(0));
        }
        adding.check();
        for (int r = 0; r < ranks; r++) {
            TestDevice device = test.on(r);
            assertThat(device.readAll(type, x.get(r).get(1))).isEqualTo(adding.expected);
            assertThat(device.read(type, normed.get(r).get(1)))
                    .isEqualTo(device.read(type, normed.get(r).get(0)));
        }
        pushing.get(0).stop().check();
    }

    @Test
    void aRankThatPushedIsStoppedToo() {
        List<RankMemory> memory = test.memory(2, 64, 20_000_000);
        TestDevice device = test.on(1);
        var kernel = new AllReduceNorm(device.device(), Type.F32, memory.get(1), 1e-6);
        kernel.add(device.stream(), device.poisoned(Type.F32, 64), 1, 64, device.poisoned(Type.F32, 64));
        device.stream().synchronize();
        assertThatThrownBy(() -> memory.get(0).stop().check())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("GPU of rank 1 waited 0.0 s for another GPU");
    }

    @Test
    void rowsThatAreTooManyOrTooLongToPushAreRefused() {
        TestDevice device = test.on(0);
        var kernel =
                new AllReduceNorm(device.device(), Type.F32, test.memory(2, 64).get(0), 1e-6);
        DeviceBuffer any = device.poisoned(Type.F32, 64);
        assertThat(kernel.supports(64, 64)).isTrue();
        assertThat(kernel.supports(65, 64)).isFalse();
        assertThat(kernel.supports(1, 4096)).isTrue();
        assertThat(kernel.supports(1, 4160)).isFalse();
        assertThatThrownBy(() -> kernel.add(device.stream(), any, 65, 64, any))
                .hasMessageContaining("65 rows of 64 values are too much to push");
    }

    /** The others are NaN. */
    private static float[] columnsOf(int rank, int ranks, float[] whole, int width) {
        float[] own = new float[whole.length];
        for (int i = 0; i < own.length; i++) {
            boolean mine = i % width >= GatherColumns.firstColumn(width, rank, ranks)
                    && i % width < GatherColumns.firstColumn(width, rank + 1, ranks);
            own[i] = mine ? whole[i] : Float.NaN;
        }
        return own;
    }

    @Test
    void buffersElsewhereAndTooManyRanksAreRefused() {
        RankMemory memory = test.memory(2, 64).get(0);
        DeviceBuffer elsewhere = test.on(0).floats(new float[16]);
        assertThatThrownBy(() -> memory.offset(elsewhere)).hasMessageContaining("is not in memory shared by ranks");
        assertThatThrownBy(() -> RankMemory.allocate(
                        IntStream.range(0, 9).mapToObj(i -> test.on(0).device()).toList(), 64, 1))
                .hasMessageContaining("at most 8 GPUs, not 9");
    }
}
