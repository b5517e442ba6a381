package dev.millrace.schemas.avro;

import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SampleRecords;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.avro.Schema;

/** Writes a release's schema and golden record; run once when a schema changed: {@code GoldenRecords schemas TokenEvent 2}. */
final class GoldenRecords {

    private GoldenRecords() {}

    public static void main(String[] args) throws IOException {
        Path module = Path.of(args[0]);
        String version = args[2];
        switch (args[1]) {
            case "PromptRequest" -> write(
                    module, PromptRequest.getClassSchema(), version, encoded(SampleRecords.scoredPrompt()));
            case "TokenEvent" -> write(
                    module, TokenEvent.getClassSchema(), version, encoded(SampleRecords.promptEvent()));
            case "EngineStatus" -> write(
                    module, EngineStatus.getClassSchema(), version, encoded(SampleRecords.status()));
            default -> throw new IllegalArgumentException("no record is called " + args[1]);
        }
    }

    static byte[] encoded(PromptRequest request) throws IOException {
        return new SingleObjectCodec<>(PromptRequest.class).encode(request);
    }

    static byte[] encoded(TokenEvent event) throws IOException {
        return new SingleObjectCodec<>(TokenEvent.class).encode(event);
    }

    static byte[] encoded(EngineStatus status) throws IOException {
        return new SingleObjectCodec<>(EngineStatus.class).encode(status);
    }

    private static void write(Path module, Schema schema, String version, byte[] golden) throws IOException {
        String name = schema.getName() + "-" + version;
        Path history = module.resolve("src/main/resources/dev/millrace/schemas/avro/history");
        Files.createDirectories(history);
        Files.writeString(history.resolve(name + ".avsc"), schema.toString(true) + "\n");
        Files.write(module.resolve("src/test/resources/golden/" + name + ".avro"), golden);
    }
}
