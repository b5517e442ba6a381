package dev.millrace.job.check;

/** How far values may be from their references: by PyTorch's own error, or in fp32 absolutely where that is not known. */
final class Tolerance {

    static final double LOGITS = 1e-3;
    static final double EMBEDDINGS = 1e-4;

    /** Of the residual stream, which grows from layer to layer: this times the root of its mean square. */
    static final double HIDDEN_SHARE = 1e-3;

    static final double PROBABILITIES = 1e-5;

    /** Steps at which the reference's best logit exceeds the second by no more are not compared. */
    static final double TOKEN_MARGIN = 2e-3;

    /** Where PyTorch's own error is known, the error's RMS at most this times that. */
    static final double PYTORCH_SHARE = 1.2;

    /** There, steps whose margin is no more than this times PyTorch's largest error are not compared. */
    static final double PYTORCH_MARGIN = 4;

    /** Normalised pixel values that count as equal; at least {@link #PIXEL_SHARE} of them must be. */
    static final double PIXELS = 1e-4;

    static final double PIXEL_SHARE = 0.99;

    private Tolerance() {}

    /** One level of 255 after normalisation: resizing rounds to levels, and implementations differ by one. */
    static double pixelLevel(double smallestStd) {
        return 1 / (255 * smallestStd) + 1e-6;
    }
}
