package dev.millrace.job.cli;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ModelExecutorFactory;

/** What computes. */
enum Device {
    auto,
    cpu,
    gpu;

    /** @throws InvalidInputException if this build cannot compute there */
    ModelExecutorFactory executors() {
        if (this == gpu) {
            throw new InvalidInputException(
                    "--device gpu: this build has no module for CUDA; auto and cpu are allowed", "--device");
        }
        return new CpuExecutorFactory();
    }
}
