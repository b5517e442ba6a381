package dev.millrace.operators.engine;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.GenerationParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Beam search as vLLM writes it ({@code entrypoints/generate/beam_search/offline.py}): every step computes every beam anew, to
 * the last token, and sorts in the end. Over the candidates of {@link RememberingExecutor}.
 */
final class PlainBeams {

    private record Beam(int[] tokens, double logprob) {}

    private PlainBeams() {}

    /** The answers' tokens, best first. */
    static List<int[]> search(int[] prompt, GenerationParams params) {
        BeamParams beams = params.beams();
        boolean ends = params.eosTokenIds().length > 0;
        List<Beam> active = List.of(new Beam(prompt, 0));
        List<Beam> completed = new ArrayList<>();
        for (int step = 0; step < params.maxTokens(); step++) {
            List<Beam> next = new ArrayList<>();
            for (Beam beam : active) {
                SampleLogprobs candidates = RememberingExecutor.candidates(beam.tokens, 2 * beams.width());
                for (int i = 0; i < candidates.topIds().length; i++) {
                    int[] tokens = Arrays.copyOf(beam.tokens, beam.tokens.length + 1);
                    tokens[beam.tokens.length] = candidates.topIds()[i];
                    next.add(new Beam(tokens, beam.logprob + candidates.topLogprobs()[i]));
                }
            }
            next.stream()
                    .filter(beam -> ends && last(beam) == EngineFixture.END)
                    .forEach(completed::add);
            active = next.stream()
                    .filter(beam -> !ends || last(beam) != EngineFixture.END)
                    .sorted(Comparator.comparingDouble(Beam::logprob).reversed())
                    .limit(beams.width())
                    .toList();
            if (beams.earlyStopping() && completed.size() >= beams.width()) {
                active = List.of();
                break;
            }
        }
        completed.addAll(active);
        return completed.stream()
                .sorted(Comparator.comparingDouble((Beam beam) -> score(beam, beams, ends))
                        .reversed())
                .limit(beams.width())
                .map(beam -> Arrays.copyOfRange(beam.tokens, prompt.length, beam.tokens.length))
                .toList();
    }

    private static double score(Beam beam, BeamParams params, boolean ends) {
        int length = beam.tokens.length - (ends && last(beam) == EngineFixture.END ? 1 : 0);
        return beam.logprob / Math.pow(length, params.lengthPenalty());
    }

    private static int last(Beam beam) {
        return beam.tokens[beam.tokens.length - 1];
    }
}
