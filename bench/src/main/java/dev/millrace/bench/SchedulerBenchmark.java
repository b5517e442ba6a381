package dev.millrace.bench;

import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.engine.InferenceEngine;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What the engine itself costs: one step of running, decoding sequences, from scheduling over the batch's arrays to
 * tokens, text, stop rules and output, with an executor that computes nothing. The time is that of one step.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx4g", "-XX:+UseParallelGC"})
public class SchedulerBenchmark {

    private static final int STEPS = 512;
    private static final int WARM_UP_STEPS = 8;
    private static final int MOST_PROMPT = 64;
    private static final int MAX_MODEL_LEN = 4096;
    private static final int VOCABULARY = 50_000;

    /** Sequences that run. */
    @Param({"64", "1024"})
    public int sequences;

    /** Tokens of their prompts; the cost of a step must not grow with it. */
    @Param({"64", "2048"})
    public int promptLength;

    private NullExecutor executor;
    private InferenceEngine engine;
    private Blackhole sink;

    /** Admits the sequences and has them past their prompts. */
    @Setup(Level.Invocation)
    public void decode(Blackhole blackhole) {
        sink = blackhole;
        int blocksEach = (promptLength + MOST_PROMPT + STEPS) / 16 + 2;
        executor = new NullExecutor(1 + sequences * blocksEach);
        engine = new InferenceEngine(
                new EngineConfig(new Limits(1 << 22, sequences, MAX_MODEL_LEN), Scheduling.DEFAULT),
                executor,
                new OneWordTokenizer(VOCABULARY),
                new Ignored(),
                output -> sink.consume(output));
        Random random = new Random(1);
        for (int i = 0; i < sequences; i++) {
            int[] prompt = random.ints(promptLength + i % 16, 0, VOCABULARY).toArray();
            engine.add(new Sequence("r" + i, 0, i, 0, PreparedPrompt.text(prompt), endless(), new int[0], 0));
        }
        for (int i = 0; i < WARM_UP_STEPS; i++) {
            turn();
        }
        System.gc(); // running sequences are old in a server; moving them is not a step's cost
    }

    /** Steps one after another, so that block borders and their hashes come as often as they do. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public void step() {
        for (int i = 0; i < STEPS; i++) {
            turn();
        }
    }

    private void turn() {
        engine.launchSteps();
        engine.complete(executor.take());
    }

    private static GenerationParams endless() {
        return GenerationParams.builder(SamplingParams.greedy(), MAX_MODEL_LEN)
                .eosTokenIds(1)
                .build();
    }

    /** The benchmark takes the outputs itself. */
    private static final class Ignored implements ExecutorListener {
        @Override
        public void completed(StepOutput output) {
            throw new IllegalStateException("the executor calls nobody");
        }

        @Override
        public void failed(long step, Throwable cause) {
            throw new IllegalStateException("the executor calls nobody", cause);
        }

        @Override
        public void encoded(long encoding) {
            throw new IllegalStateException("the executor calls nobody");
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {
            throw new IllegalStateException("the executor calls nobody", cause);
        }
    }
}
