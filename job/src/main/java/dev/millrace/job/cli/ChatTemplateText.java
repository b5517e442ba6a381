package dev.millrace.job.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a chat template: a file's text, or the argument itself where it holds a brace or a line's end, as vLLM decides it
 * ({@code load_chat_template}).
 */
final class ChatTemplateText implements ITypeConverter<String> {

    @Override
    public String convert(String value) {
        try {
            return Files.readString(Path.of(value));
        } catch (IOException | InvalidPathException e) {
            if (value.chars().anyMatch(letter -> "{}\n".indexOf(letter) >= 0)) {
                return value;
            }
            throw new TypeConversionException(
                    "'%s' looks like a file's path, but no text can be read there: %s".formatted(value, e));
        }
    }
}
