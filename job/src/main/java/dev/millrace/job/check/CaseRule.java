package dev.millrace.job.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Compares one case's values by what golden/README.md demands: in fp32 an absolute tolerance, in bf16 an error no larger
 * than PyTorch's own times a factor. Where PyTorch's error was not recorded, the value is passed over and named.
 */
final class CaseRule {

    private static final String LIMIT = "RMS %.2e, at most %.1f x PyTorch's %.2e";

    private final String file;
    private final GoldenCase golden;
    private final boolean bfloat16;
    private final Consumer<String> passOver;
    private final List<CheckRow> rows = new ArrayList<>();

    /**
     * @param bfloat16 whether the model is computed in bf16
     * @param passOver hears what cannot be compared
     */
    CaseRule(String file, GoldenCase golden, boolean bfloat16, Consumer<String> passOver) {
        this.file = file;
        this.golden = golden;
        this.bfloat16 = bfloat16;
        this.passOver = passOver;
    }

    List<CheckRow> rows() {
        return rows;
    }

    /** Integers equal to their references, in any type. */
    void equal(String kind, int[] actual, int[] expected) {
        rows.add(Comparison.equal(file, golden.name(), kind, actual, expected));
    }

    /**
     * Values of as many tokens as PyTorch's error was taken over.
     *
     * @param tolerance in fp32
     * @param pytorch its error in bf16, or null
     */
    void compare(String kind, float[] actual, float[] expected, double tolerance, ReferenceError pytorch) {
        if (!bfloat16) {
            rows.add(Comparison.within(file, golden.name(), kind, actual, expected, tolerance));
        } else if (isKnown(kind, pytorch)) {
            double limit = Tolerance.BF16_SHARE * pytorch.rms();
            double rms = Comparison.rms(actual, expected);
            String note = String.format(Locale.ROOT, LIMIT, rms, Tolerance.BF16_SHARE, pytorch.rms());
            rows.add(Comparison.bounded(file, golden.name(), kind, actual, expected, rms <= limit, note));
        }
    }

    /** Values of one token of many: too few for an RMS, so that the largest error is compared with the largest of all. */
    void compareOne(String kind, float[] actual, float[] expected, double tolerance, ReferenceError pytorch) {
        if (!bfloat16) {
            rows.add(Comparison.within(file, golden.name(), kind, actual, expected, tolerance));
        } else if (isKnown(kind, pytorch)) {
            boolean passed = Comparison.largestDifference(actual, expected) <= Tolerance.BF16_SHARE * pytorch.max();
            String note =
                    String.format(Locale.ROOT, "at most %.1f x PyTorch's %.2e", Tolerance.BF16_SHARE, pytorch.max());
            rows.add(Comparison.bounded(file, golden.name(), kind, actual, expected, passed, note));
        }
    }

    /** By how much the reference's best logit must exceed the second for its token to be compared; NaN: cannot be told. */
    double tokenMargin() {
        if (!bfloat16) {
            return Tolerance.TOKEN_MARGIN;
        }
        return isKnown("tokens", golden.bf16Logits())
                ? Tolerance.BF16_MARGIN * golden.bf16Logits().max()
                : Double.NaN;
    }

    /** What became of the reference's tokens. */
    void tokens(int agreed, int comparable, String note) {
        rows.add(CheckRow.allEqual(file, golden.name(), "tokens", agreed, comparable, note));
    }

    /** Names what is not compared. */
    void passOver(String kind, String reason) {
        passOver.accept("%s %s: %s, because %s".formatted(file, golden.name(), kind, reason));
    }

    private boolean isKnown(String kind, ReferenceError pytorch) {
        if (pytorch == null) {
            passOver(kind, "PyTorch's error in bfloat16 is not recorded");
        }
        return pytorch != null;
    }
}
