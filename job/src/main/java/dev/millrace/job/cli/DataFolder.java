package dev.millrace.job.cli;

import dev.millrace.job.embedded.FolderLock;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * What a server keeps from one start to the next: its broker's data and its job's checkpoints. One server has it at a time.
 */
final class DataFolder implements AutoCloseable {

    private final FolderLock lock;

    private DataFolder(FolderLock lock) {
        this.lock = lock;
    }

    /**
     * Takes the folder, which is made if missing, for a model: another would go on with this one's half answers.
     *
     * @throws InvalidInputException if another server has it, or it cannot be made or written, or is another model's
     */
    static DataFolder claim(Path folder, Path model) {
        try {
            var data = new DataFolder(FolderLock.claim(folder));
            data.keepFor(model.toAbsolutePath().normalize().toString());
            return data;
        } catch (FolderLock.TakenException e) {
            throw new InvalidInputException(
                    "--data-dir %s is in use by %s; stop that one, or give this one another folder"
                            .formatted(folder.toAbsolutePath(), e.owner()),
                    "--data-dir");
        } catch (IOException e) {
            throw new InvalidInputException(
                    "--data-dir %s cannot be used: %s; give a folder that can be written"
                            .formatted(folder.toAbsolutePath(), e),
                    "--data-dir");
        }
    }

    private void keepFor(String model) throws IOException {
        Path file = path().resolve("model");
        String before = Files.exists(file) ? Files.readString(file) : model;
        if (!before.equals(model)) {
            close();
            throw new InvalidInputException(
                    ("--data-dir %s keeps what the model %s was generating, with which %s cannot go on; give another"
                                    + " folder, or delete this one")
                            .formatted(path(), before, model),
                    "--data-dir");
        }
        Files.writeString(file, model);
    }

    /**
     * Where a model's data is unless a user says otherwise: {@code millrace/NAME-HASH} among the user's state, the hash that of
     * the model's path.
     *
     * @param environment as of {@link System#getenv()}
     */
    static Path usual(Path model, Map<String, String> environment) {
        Path folder = model.toAbsolutePath().normalize();
        CRC32 hash = new CRC32();
        hash.update(folder.toString().getBytes(StandardCharsets.UTF_8));
        String state = environment.getOrDefault("XDG_STATE_HOME", "");
        Path root = state.isEmpty() ? Path.of(System.getProperty("user.home"), ".local", "state") : Path.of(state);
        String name = folder.getFileName() + "-" + HexFormat.of().toHexDigits((int) hash.getValue());
        return root.resolve("millrace").resolve(name);
    }

    Path path() {
        return lock.folder();
    }

    Path kafka() {
        return path().resolve("kafka");
    }

    /** For what Flink needs while it runs. */
    Path flink() {
        return path().resolve("flink");
    }

    /** @param origin where the job's offsets are from */
    Path checkpoints(String origin) {
        return path().resolve("checkpoints").resolve(origin);
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
