package dev.millrace.job;

import dev.millrace.model.InvalidInputException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.runtime.checkpoint.Checkpoints;

/** What jobs left behind in a folder of checkpoints ({@code JOB/chk-N/_metadata}). */
public final class RetainedCheckpoints {

    private RetainedCheckpoints() {}

    /** A folder of checkpoints, or one of them, as Flink is told of it: a space stays a space there, and {@code %20} is three characters. */
    public static String uri(Path folder) {
        return org.apache.flink.core.fs.Path.fromLocalFile(folder.toFile()).toString();
    }

    /** The checkpoint that was completed last, of whichever job; a job resumes from its URI. */
    public static Optional<Path> latest(Path checkpoints) throws IOException {
        if (!Files.isDirectory(checkpoints)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(checkpoints, 3)) {
            List<Path> complete =
                    files.filter(file -> file.endsWith("_metadata")).toList();
            return complete.stream()
                    .max(Comparator.comparing(RetainedCheckpoints::completedAt))
                    .map(Path::getParent);
        }
    }

    /**
     * Reads what a checkpoint says of itself, as a job does that goes on from it.
     *
     * @throws InvalidInputException if it is damaged; says what can be done
     */
    public static void check(Path checkpoint) {
        Path metadata = checkpoint.resolve("_metadata");
        try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(metadata)))) {
            Checkpoints.loadCheckpointMetadata(in, RetainedCheckpoints.class.getClassLoader(), uri(checkpoint));
        } catch (IOException | RuntimeException e) {
            throw new InvalidInputException(
                    ("the checkpoint %s, which the job is to go on from, is damaged: %s. Restore it, or move its"
                                    + " folder away: the job then begins with the prompts behind its last committed"
                                    + " offsets, and what it was generating is lost")
                            .formatted(checkpoint, e),
                    "--checkpoint-dir");
        }
    }

    /**
     * Deletes checkpoints that were never completed, which with their media are what killed jobs leave behind, and the folders of
     * jobs that have none.
     *
     * @param checkpoints a folder whose jobs have all ended
     */
    public static void sweep(Path checkpoints) throws IOException {
        if (!Files.isDirectory(checkpoints)) {
            return;
        }
        for (Path job : children(checkpoints)) {
            for (Path checkpoint : children(job)) {
                if (checkpoint.getFileName().toString().startsWith("chk-")
                        && Files.notExists(checkpoint.resolve("_metadata"))) {
                    delete(checkpoint);
                }
            }
            if (holdsNoFile(job)) {
                delete(job);
            }
        }
    }

    private static List<Path> children(Path folder) throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            return children.filter(Files::isDirectory).toList();
        }
    }

    private static boolean holdsNoFile(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.allMatch(Files::isDirectory);
        }
    }

    private static void delete(Path folder) throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> files = Files.walk(folder)) {
            deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : deepestFirst) {
            Files.delete(file);
        }
    }

    /** A checkpoint that is replaced meanwhile counts as the oldest. */
    private static FileTime completedAt(Path metadata) {
        try {
            return Files.getLastModifiedTime(metadata);
        } catch (NoSuchFileException e) {
            return FileTime.fromMillis(0);
        } catch (IOException e) {
            throw new UncheckedIOException("the checkpoint " + metadata + " cannot be read", e);
        }
    }
}
