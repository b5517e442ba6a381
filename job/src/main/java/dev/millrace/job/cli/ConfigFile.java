package dev.millrace.job.cli;

import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * A YAML file of flags. Values are those that Python's {@code yaml.safe_load} makes of them, but for dates, which stay as they
 * are written; aliases are refused, as a few of them can stand for gigabytes.
 */
final class ConfigFile {

    private static final int MAX_BYTES = 64 << 10;

    private final String path;

    ConfigFile(String path) {
        this.path = path;
    }

    /**
     * Reads it.
     *
     * @return values by key, in the file's order
     * @throws InvalidInputException if it cannot be read, or holds something else
     */
    Map<String, Object> read() {
        if (!path.endsWith(".yaml") && !path.endsWith(".yml")) {
            throw fault("its name must end with .yaml or .yml");
        }
        try {
            String text = text();
            refuseAliases(text);
            return flags(yaml().load(text));
        } catch (MarkedYAMLException e) {
            throw fault("it is no YAML, line %d: %s"
                    .formatted(
                            e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1, e.getProblem()));
        } catch (YAMLException e) {
            throw fault("it is no YAML: " + e.getMessage());
        }
    }

    private String text() {
        try (InputStream file = Files.newInputStream(Path.of(path))) {
            byte[] bytes = file.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw fault("it is larger than " + MAX_BYTES + " bytes");
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw fault("it is no text in UTF-8");
        } catch (IOException | InvalidPathException e) {
            throw fault("it cannot be read: " + e);
        }
    }

    private void refuseAliases(String text) {
        for (var event : yaml().parse(new StringReader(text))) {
            if (event instanceof AliasEvent alias) {
                throw fault("line %d: the alias *%s is not read; write out what it stands for"
                        .formatted(alias.getStartMark().getLine() + 1, alias.getAnchor()));
            }
        }
    }

    private Map<String, Object> flags(Object content) {
        if (!(content instanceof Map<?, ?> map)) {
            throw fault("it holds no map of flags such as port: 8000");
        }
        Map<String, Object> flags = new LinkedHashMap<>();
        map.forEach((key, value) -> {
            if (!(key instanceof String name)) {
                throw fault("'%s' is no name of a flag".formatted(key));
            }
            flags.put(name, value);
        });
        return flags;
    }

    private InvalidInputException fault(String what) {
        return new InvalidInputException("--config '" + path + "': " + what, "--config");
    }

    private static Yaml yaml() {
        var loading = new LoaderOptions();
        var dumping = new DumperOptions();
        return new Yaml(new SafeConstructor(loading), new Representer(dumping), dumping, loading, new WithoutDates());
    }

    /** Takes dates for text. */
    private static final class WithoutDates extends Resolver {

        @Override
        protected void addImplicitResolvers() {
            addImplicitResolver(Tag.BOOL, BOOL, "yYnNtTfFoO");
            addImplicitResolver(Tag.INT, INT, "-+0123456789");
            addImplicitResolver(Tag.FLOAT, FLOAT, "-+0123456789.");
            addImplicitResolver(Tag.NULL, NULL, "~nN\0");
            addImplicitResolver(Tag.NULL, EMPTY, null);
        }
    }
}
