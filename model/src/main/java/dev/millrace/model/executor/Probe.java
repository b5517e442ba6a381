package dev.millrace.model.executor;

/** Looks at the residual stream while steps are computed, for comparison with a reference; on the executor's threads. */
public interface Probe {

    /**
     * After a decoder layer.
     *
     * @param x [T, D] the step's tokens
     */
    void layer(int layer, float[] x);

    /**
     * After a block of the vision tower. Media that the executor encodes one after another come in calls of their own.
     *
     * @param v [P, Dv] patches in window order ({@code VisionPlan})
     */
    void visionBlock(int block, float[] v);
}
