package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;

/** Brings the values of weights to the device, in the background. */
public interface WeightFeed extends AutoCloseable {

    /**
     * Begins to write a weight's rows.
     *
     * @param to starts with the first row
     * @param type how the values are kept
     * @param stride values from one row to the next
     */
    void fill(Part part, DeviceBuffer to, Type type, int stride);

    /**
     * Waits until all that was begun is there.
     *
     * @throws dev.millrace.model.checkpoint.CheckpointException if a weight is not as it should be
     */
    void finish();

    @Override
    void close();
}
