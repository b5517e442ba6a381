package dev.millrace.job.check;

import dev.millrace.job.direct.EngineLoop;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.engine.EngineListener;
import dev.millrace.operators.engine.EngineListener.SequenceOutput;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Has the engine search for the beams of a case, and compares them with the reference's. */
final class BeamCheck {

    private final CaseRule rule;
    private final BeamReference reference;
    private final PreparedPrompt prompt;
    private final ModelExecutor executor;
    private final int maxBatchedTokens;

    BeamCheck(
            CaseRule rule,
            BeamReference reference,
            PreparedPrompt prompt,
            ModelExecutor executor,
            int maxBatchedTokens) {
        this.rule = rule;
        this.reference = reference;
        this.prompt = prompt;
        this.executor = executor;
        this.maxBatchedTokens = maxBatchedTokens;
    }

    void run() {
        List<Found> found = search();
        int agreed = 0;
        String note = "";
        for (int i = 0; i < reference.width(); i++) {
            int[] tokens = found.get(i).tokens();
            boolean same = Arrays.equals(tokens, reference.sequences()[i]);
            agreed += same ? 1 : 0;
            note = same || !note.isEmpty() ? note : "beam %d: %s".formatted(i, Arrays.toString(tokens));
        }
        rule.beams(agreed, reference.width(), note);
        float[] actual = floats(found.stream().mapToDouble(Found::meanLogprob).toArray());
        rule.compare("beam logprobs", actual, floats(reference.meanLogprobs()), Tolerance.LOGITS, null);
    }

    private List<Found> search() {
        GenerationParams params = params();
        List<Sequence> answers = IntStream.range(0, reference.width())
                .mapToObj(i -> new Sequence("beams", i, 0, 0, prompt, params, new int[0], 0))
                .toList();
        int length = prompt.tokenIds().length + reference.length();
        var config = new EngineConfig(new Limits(maxBatchedTokens, reference.width(), length), Scheduling.DEFAULT);
        var told = new Told(reference.width());
        var loop = new EngineLoop(config, executor, new NoText(), told); // closing it would close the executor
        loop.submit(new BeamSearch(answers, List.of()));
        try {
            loop.runUntil(() ->
                    answers.stream().allMatch(sequence -> sequence.completion().isFinished()));
            loop.drain();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted in the search for beams", e);
        }
        return IntStream.range(0, reference.width())
                .mapToObj(i -> new Found(answers.get(i).outputTokens(), told.mean(i)))
                .toList();
    }

    private GenerationParams params() {
        return GenerationParams.builder(SamplingParams.greedy(), reference.length())
                .logprobs(0)
                .beams(new BeamParams(reference.width(), 1, false))
                .build();
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    private record Found(int[] tokens, double meanLogprob) {}

    /** The log-probabilities of each answer's tokens. */
    private static final class Told implements EngineListener {
        private final List<List<SampleLogprobs>> logprobs = new ArrayList<>();

        Told(int answers) {
            IntStream.range(0, answers).forEach(i -> logprobs.add(new ArrayList<>()));
        }

        @Override
        public void onOutput(SequenceOutput output) {
            logprobs.get(output.sequence().choice()).addAll(output.logprobs());
        }

        double mean(int answer) {
            return logprobs.get(answer).stream()
                    .mapToDouble(SampleLogprobs::logprob)
                    .average()
                    .orElse(Double.NaN);
        }
    }
}
