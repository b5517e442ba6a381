package dev.millrace.gpu.sampling;

import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.Sampler;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.sampling.TokenCounts;
import java.util.stream.IntStream;

/** What the JVM's sampler knows of a row. */
final class Twin {
    final SamplingParams params;
    final int choice;
    final TokenCounts counts = new TokenCounts();
    int outputs;

    Twin(RowAssignment assignment) {
        params = assignment.params();
        choice = assignment.choice();
        IntStream.of(assignment.promptIds()).forEach(counts::addPrompt);
        IntStream.of(assignment.outputIds()).forEach(counts::addOutput);
        outputs = assignment.outputIds().length;
    }

    int draw(Sampler sampler, float[] logits, int position, int[] banned) {
        return draw(sampler, logits, position, banned, null);
    }

    int draw(Sampler sampler, float[] logits, int position, int[] banned, int[] allowed) {
        int token = sampler.sample(
                logits, 0, new Sampler.Context(params, counts, outputs, choice, position, banned, allowed));
        counts.addOutput(token);
        outputs++;
        return token;
    }
}
