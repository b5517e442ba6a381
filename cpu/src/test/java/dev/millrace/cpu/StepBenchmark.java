package dev.millrace.cpu;

import dev.millrace.cpu.Driver.Chunk;
import dev.millrace.cpu.Driver.Sequence;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/**
 * Measures whole steps of a model through the executor's border: decode, prefill, and pictures of 112 x 112; by the clock and,
 * in brackets, by the processor time of the computing threads, which other work on the machine does not count in.
 */
public final class StepBenchmark {

    private static final int ROUNDS = 5;
    private static final int DECODED = 200;

    private StepBenchmark() {}

    /** A number of things done, and the time it took. */
    private record Rate(double things, double seconds, double processorSeconds) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.0f/s (%.0f)", things / seconds, things / processorSeconds);
        }
    }

    private static Rate measure(double things, Runnable work) {
        long processor = processorNanos();
        long start = System.nanoTime();
        work.run();
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Rate(things, seconds, (processorNanos() - processor) / 1e9);
    }

    private static long processorNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long nanos = 0;
        for (ThreadInfo info : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (info != null && info.getThreadName().startsWith("millrace-")) {
                nanos += threads.getThreadCpuTime(info.getThreadId());
            }
        }
        return nanos;
    }

    public static void main(String[] args) throws Exception {
        Path model = Path.of(args[0]);
        int threads = args.length > 1 ? Integer.parseInt(args[1]) : 0;
        long start = System.nanoTime();
        try (ModelExecutor executor = new CpuExecutorFactory().open(model, Executors.config(2000, threads))) {
            System.out.printf(Locale.ROOT, "open %.2f s%n", (System.nanoTime() - start) / 1e9);
            Thread.sleep(args.length > 2 ? Integer.parseInt(args[2]) : 0); // for the warm-up
            for (int round = 0; round < ROUNDS; round++) {
                Driver driver = new Driver(executor, 64, 1);
                System.out.printf(
                        Locale.ROOT,
                        "decode 1: %s tokens, decode 16: %s tokens, prefill: %s tokens, pictures: %s%n",
                        decode(driver, 1),
                        decode(driver, 16),
                        prefill(driver),
                        pictures(driver));
            }
        }
    }

    private static Rate decode(Driver driver, int count) {
        List<Sequence> sequences = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sequences.add(driver.sequence(PreparedPrompt.text(new int[] {5, 6, 7 + i})));
        }
        driver.run(rests(driver, sequences));
        Rate rate = measure((double) count * DECODED, () -> {
            CompletableFuture<StepOutput> before = CompletableFuture.completedFuture(null);
            for (int i = 0; i < DECODED; i++) {
                sequences.forEach(s -> s.append(ForwardBatch.LAST_SAMPLED));
                var next = driver.launch(rests(driver, sequences));
                before.join();
                before = next;
            }
            before.join();
        });
        sequences.forEach(Sequence::free);
        return rate;
    }

    private static Rate prefill(Driver driver) {
        int[] ids = new int[512];
        Arrays.setAll(ids, i -> i);
        Sequence sequence = driver.sequence(PreparedPrompt.text(ids));
        Rate rate = measure(ids.length, () -> driver.run(driver.rest(sequence)));
        sequence.free();
        return rate;
    }

    private static Rate pictures(Driver driver) {
        int count = 40;
        float[] patches = new float[64 * 1176];
        for (int i = 0; i < patches.length; i++) {
            patches[i] = (i % 17) / 17f - 0.5f;
        }
        MediaItem picture = new MediaItem(new MediaKey(0, 0), false, 1, 8, 8, 0, patches);
        List<MediaSpan> media = List.of(new MediaSpan(8, picture));
        PreparedPrompt prompt = new PreparedPrompt(new int[40], media, MropePositions.of(40, media, 2));
        return measure(count, () -> {
            for (int i = 0; i < count; i++) {
                Sequence sequence = driver.sequence(prompt);
                driver.run(driver.rest(sequence));
                sequence.free();
            }
        });
    }

    private static Chunk[] rests(Driver driver, List<Sequence> sequences) {
        return sequences.stream().map(driver::rest).toArray(Chunk[]::new);
    }
}
