package dev.millrace.model.executor;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;

/** Makes an executor where the work is done; travels there inside the job. */
public interface ModelExecutorFactory extends Serializable {

    /** Limits that suit what an executor would compute with. */
    DefaultLimits defaults(ExecutorConfig config);

    /**
     * Loads the model and allocates everything that steps need.
     *
     * @param model folder of the checkpoint
     * @param limits what steps and sequences may hold
     * @throws IOException if the checkpoint cannot be read
     * @throws IllegalArgumentException if the configuration does not fit the checkpoint; says what to change
     */
    ModelExecutor open(Path model, ExecutorConfig config, Limits limits) throws IOException;
}
