package dev.millrace.bench.figures;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A measurement's figures by name, for {@code --json}. */
public final class Figures {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Map<String, Object> values = new LinkedHashMap<>();

    public Figures put(String name, Object value) {
        values.put(name, value);
        return this;
    }

    /** Writes them, unless no file was named. */
    public void write(Path file) throws IOException {
        if (file != null) {
            JSON.writeValue(file.toFile(), values);
        }
    }
}
