package dev.millrace.job.cli;

import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The model, given once. */
final class ModelArgument {

    @Parameters(paramLabel = "MODEL", converter = ModelFolder.class, description = "Folder of the model.")
    private ModelFolder.Given positional;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            converter = ModelFolder.class,
            description = "The same as a flag, as older commands and files of flags have it.")
    private ModelFolder.Given named;

    ModelFolder.Given given() {
        return positional == null ? named : positional;
    }
}
