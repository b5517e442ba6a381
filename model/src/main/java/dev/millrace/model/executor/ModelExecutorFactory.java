package dev.millrace.model.executor;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;

/** Makes an executor where the work is done; travels there inside the job. */
public interface ModelExecutorFactory extends Serializable {

    /**
     * Loads the model and allocates everything that steps need.
     *
     * @param model folder of the checkpoint
     * @throws IOException if the checkpoint cannot be read
     * @throws IllegalArgumentException if the configuration does not fit the checkpoint; says what to change
     */
    ModelExecutor open(Path model, ExecutorConfig config) throws IOException;
}
