package dev.millrace.job.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the path of a folder that exists. */
final class Folder implements ITypeConverter<Path> {

    @Override
    public Path convert(String value) {
        try {
            Path path = Path.of(value);
            if (Files.isDirectory(path)) {
                return path;
            }
        } catch (InvalidPathException e) {
            throw new TypeConversionException("'%s' is not a path: %s".formatted(value, e.getReason()));
        }
        throw new TypeConversionException("'%s' is not a folder that exists".formatted(value));
    }
}
