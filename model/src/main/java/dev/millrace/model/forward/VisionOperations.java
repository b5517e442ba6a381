package dev.millrace.model.forward;

/**
 * The vision tower's half-blocks, bound to one model's weights and to the media at hand. A backend owns every buffer; v,
 * qkv, a and f below are its registers. P patches in window order, Dv vision width, Fv padded MLP width.
 */
public interface VisionOperations {

    /** v[P, Dv] ← patches · W, in window order. */
    void patchEmbed();

    /** qkv[P, 3, H, hd] ← norm, projection, bias, two-dimensional rope. */
    void visAttnIn(int block);

    /** a[P, Dv] ← bidirectional attention within each frame ({@code full}) or each window. */
    void visAttend(int block, boolean full);

    /** v ← v + a·Wᵀ + bias. */
    void visAttnOut(int block);

    /** f[P, Fv] ← silu(gate)·up of the normed v, with biases. */
    void visMlpIn(int block);

    /** v ← v + f·Wᵀ + bias. */
    void visMlpOut(int block);

    /** Media rows[P/4, D] ← norm, two layers with GELU, back in the order of the tokens. */
    void merge();
}
