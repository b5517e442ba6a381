package dev.millrace.model.forward;

/**
 * The decoder's half-blocks, bound to one model's weights and to the inputs of the step at hand. A backend owns every
 * buffer; x, q, a and f below are its registers. T tokens, S sequences, R samples; D hidden, F padded MLP width.
 */
public interface TextOperations {

    /** Applies row assignments and block-table updates; derives slots and sequence bounds. */
    void prepare();

    /** Copies blocks in all layers. */
    void copyBlocks();

    /** x[T, D] ← token embeddings, or media rows where the token is a placeholder. */
    void embed();

    /** q[T, Hq, hd] ← norm, projection, bias, m-rope; keys and values go to their slots of the layer's cache. */
    void attnIn(int layer);

    /** a[T, Hq·hd] ← causal attention over each sequence's blocks, queries at the end of the context. */
    void attend(int layer);

    /** x ← x + a·Wᵀ, summed over ranks. */
    void attnOut(int layer);

    /** f[T, F] ← silu(gate)·up of the normed x. */
    void mlpIn(int layer);

    /** x ← x + f·Wᵀ, summed over ranks. */
    void mlpOut(int layer);

    /** logits[R, V] ← final norm and head of the sampled tokens' x, raw, fp32. */
    void logits();

    /** Draws the R tokens and makes them their rows' last; log-probabilities where asked for. */
    void sample();
}
