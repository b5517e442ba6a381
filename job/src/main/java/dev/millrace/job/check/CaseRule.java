package dev.millrace.job.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Compares one case's values by what golden/README.md demands: an error no larger than PyTorch's own in the same type times a
 * factor. Where that was not recorded, an absolute tolerance takes its place in fp32, and in bf16 the value is passed over
 * and named.
 */
final class CaseRule {

    private static final String LIMIT = "RMS %.2e, at most %.1f x PyTorch's %.2e";
    private static final String NOT_RECORDED = "PyTorch's error in bfloat16 is not recorded";

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

    /** PyTorch's own errors in the type that the model is computed in. */
    ReferenceErrors pytorch() {
        return bfloat16 ? golden.bf16() : golden.fp32();
    }

    /** Integers equal to their references, in any type. */
    void equal(String kind, int[] actual, int[] expected) {
        rows.add(Comparison.equal(file, golden.name(), kind, actual, expected));
    }

    /**
     * Values of as many tokens as PyTorch's error was taken over.
     *
     * @param tolerance in fp32, where PyTorch's error is not known
     * @param own PyTorch's, or null
     */
    void compare(String kind, float[] actual, float[] expected, double tolerance, ReferenceError own) {
        if (own == null) {
            compareAbsolutely(kind, actual, expected, tolerance);
            return;
        }
        double rms = Comparison.rms(actual, expected);
        String note = String.format(Locale.ROOT, LIMIT, rms, Tolerance.PYTORCH_SHARE, own.rms());
        boolean passed = rms <= Tolerance.PYTORCH_SHARE * own.rms();
        rows.add(Comparison.bounded(file, golden.name(), kind, actual, expected, passed, note));
    }

    /** Values of one token of many: too few for an RMS, so that the largest error is compared with the largest of all. */
    void compareOne(String kind, float[] actual, float[] expected, double tolerance, ReferenceError own) {
        if (own == null) {
            compareAbsolutely(kind, actual, expected, tolerance);
            return;
        }
        boolean passed = Comparison.largestDifference(actual, expected) <= Tolerance.PYTORCH_SHARE * own.max();
        String note = String.format(Locale.ROOT, "at most %.1f x PyTorch's %.2e", Tolerance.PYTORCH_SHARE, own.max());
        rows.add(Comparison.bounded(file, golden.name(), kind, actual, expected, passed, note));
    }

    private void compareAbsolutely(String kind, float[] actual, float[] expected, double tolerance) {
        if (bfloat16) {
            passOver(kind, NOT_RECORDED);
        } else {
            rows.add(Comparison.within(file, golden.name(), kind, actual, expected, tolerance));
        }
    }

    /** By how much the reference's best logit must exceed the second for its token to be compared; NaN: cannot be told. */
    double tokenMargin() {
        ReferenceError own = pytorch().logits();
        if (own != null) {
            return Tolerance.PYTORCH_MARGIN * own.max();
        }
        if (bfloat16) {
            passOver("tokens", NOT_RECORDED);
            return Double.NaN;
        }
        return Tolerance.TOKEN_MARGIN;
    }

    /** What became of the reference's tokens. */
    void tokens(int agreed, int comparable, String note) {
        rows.add(CheckRow.allEqual(file, golden.name(), "tokens", agreed, comparable, note));
    }

    /** Whether beams are compared; in bf16 they are not, as their scores lie close together. */
    boolean comparesBeams() {
        if (bfloat16) {
            passOver("beams", "they are compared in float32");
        }
        return !bfloat16;
    }

    /** How many of the reference's beams were found. */
    void beams(int agreed, int comparable, String note) {
        rows.add(CheckRow.allEqual(file, golden.name(), "beams", agreed, comparable, note));
    }

    /** Names what is not compared. */
    void passOver(String kind, String reason) {
        passOver.accept("%s %s: %s, because %s".formatted(file, golden.name(), kind, reason));
    }
}
