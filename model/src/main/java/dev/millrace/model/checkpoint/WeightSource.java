package dev.millrace.model.checkpoint;

/** Where weights come from: a checkpoint's files, or a generator of random ones. */
public interface WeightSource extends AutoCloseable {

    /**
     * A weight by its published name ({@code model.layers.0.self_attn.q_proj.weight}, {@code visual.blocks.0…},
     * {@code lm_head.weight}), also where the checkpoint was re-saved under {@code model.language_model.*}.
     *
     * @throws CheckpointException if there is none, or its shape is another; names both shapes
     */
    Tensor weight(String name, long... shape);

    @Override
    void close();
}
