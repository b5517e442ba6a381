package dev.millrace.job.check;

/** How far values may be from their references: absolutely in fp32, and in bf16 by PyTorch's own error. */
final class Tolerance {

    static final double LOGITS = 1e-3;
    static final double EMBEDDINGS = 1e-4;

    /** Of the residual stream, which grows from layer to layer: this times the root of its mean square. */
    static final double HIDDEN_SHARE = 1e-3;

    static final double PROBABILITIES = 1e-5;

    /** Steps at which the reference's best logit exceeds the second by no more are not compared. */
    static final double TOKEN_MARGIN = 2e-3;

    /** In bf16, the error's RMS at most this times PyTorch's. */
    static final double BF16_SHARE = 1.2;

    /** In bf16, steps whose margin is no more than this times PyTorch's largest error are not compared. */
    static final double BF16_MARGIN = 4;

    /** Normalised pixel values that count as equal; at least {@link #PIXEL_SHARE} of them must be. */
    static final double PIXELS = 1e-4;

    static final double PIXEL_SHARE = 0.99;

    private Tolerance() {}

    /** One level of 255 after normalisation: resizing rounds to levels, and implementations differ by one. */
    static double pixelLevel(double smallestStd) {
        return 1 / (255 * smallestStd) + 1e-6;
    }
}
