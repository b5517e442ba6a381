package dev.millrace.job.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the path of a model's folder; what looks like a name on a hub is told how to become one. */
final class ModelFolder implements ITypeConverter<ModelFolder.Given> {

    /**
     * A model that is here.
     *
     * @param text as the user wrote it
     */
    record Given(String text, Path folder) {}

    @Override
    public Given convert(String value) {
        try {
            Path folder = Path.of(value);
            if (Files.isDirectory(folder)) {
                return new Given(value, folder);
            }
        } catch (InvalidPathException e) {
            throw new TypeConversionException("'%s' is not a path: %s".formatted(value, e.getReason()));
        }
        String advice = value.matches("[\\w.-]+/[\\w.-]+")
                ? "; nothing is downloaded here, so fetch it first: hf download %1$s --local-dir ./%1$s"
                        .formatted(value)
                : "";
        throw new TypeConversionException("'%s' is not a folder that exists%s".formatted(value, advice));
    }
}
