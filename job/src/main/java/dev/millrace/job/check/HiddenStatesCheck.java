package dev.millrace.job.check;

import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.Probeable;
import java.util.List;

/** Compares a case layer by layer, where the reference kept what its layers left. */
final class HiddenStatesCheck {

    private final GoldenCase golden;
    private final SafetensorsFile references;
    private final CaseRule rule;

    HiddenStatesCheck(GoldenCase golden, SafetensorsFile references, CaseRule rule) {
        this.golden = golden;
        this.references = references;
        this.rule = rule;
    }

    /** Computes the prompt once more, under a probe. */
    void run(SequenceRun run, ModelExecutor executor) {
        if (!references.contains(golden.name() + ".hidden.0")) {
            return;
        }
        if (!(executor instanceof Probeable probeable)) {
            rule.passOver("hidden states", "the executor does not show them");
            return;
        }
        var states = new HiddenStates();
        probeable.probe(states);
        run.prefill(new int[] {golden.inputIds().length - 1});
        probeable.probe(null);
        compare("vision_hidden", golden.sampledPatches(), rule.pytorch().visionHidden(), states::ofBlock);
        compare("hidden", golden.sampledTokens(), rule.pytorch().hidden(), states::ofLayer);
    }

    private interface Rows {
        float[] of(int layer, int[] rows, int width);
    }

    private void compare(String kind, int[] rows, List<ReferenceError> pytorch, Rows states) {
        String prefix = golden.name() + "." + kind + ".";
        for (int layer = 0; references.contains(prefix + layer); layer++) {
            float[] expected = references.tensor(prefix + layer).toFloats();
            float[] actual = states.of(layer, rows, expected.length / rows.length);
            double tolerance = Tolerance.HIDDEN_SHARE * Comparison.rms(expected, new float[expected.length]);
            ReferenceError own = layer < pytorch.size() ? pytorch.get(layer) : null;
            rule.compare(kind + " " + layer, actual, expected, tolerance, own);
        }
    }
}
