package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Random;
import org.apache.flink.runtime.checkpoint.Checkpoints;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RetainedCheckpointsTest {

    @TempDir
    Path folder;

    @Test
    void theLatestIsTheOneCompletedLastOfWhicheverJob() throws IOException {
        checkpoint("a/chk-7", 1_000);
        Path latest = checkpoint("b/chk-2", 2_000);
        Files.createDirectories(folder.resolve("b/chk-3"));

        assertThat(RetainedCheckpoints.latest(folder)).contains(latest);
        assertThat(RetainedCheckpoints.latest(folder.resolve("none"))).isEmpty();
    }

    @Test
    void whatWasNeverCompletedIsSweptAndNothingElse() throws IOException {
        Path complete = checkpoint("a/chk-7", 1_000);
        Path shared = Files.createDirectories(folder.resolve("a/shared"));
        Path half = Files.createDirectories(folder.resolve("a/chk-8"));
        Files.writeString(half.resolve("state"), "media");
        Path empty = Files.createDirectories(folder.resolve("b/shared"));
        Path inUse = Files.writeString(
                Files.createDirectories(folder.resolve("c/shared")).resolve("state"), "of a/chk-7");
        Files.createDirectories(folder.resolve("d/chk-1"));

        RetainedCheckpoints.sweep(folder);
        RetainedCheckpoints.sweep(folder.resolve("none"));

        assertThat(half).doesNotExist();
        assertThat(complete.resolve("_metadata")).exists();
        assertThat(shared).exists();
        assertThat(inUse).exists();
        assertThat(empty.getParent()).as("a job that left nothing").doesNotExist();
        assertThat(folder.resolve("d")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 20, 200})
    void aDamagedOneIsNamedWithWhatToDo(int bytes) throws IOException {
        Path whole = checkpoint("whole/chk-1", 0);
        try (var out = new DataOutputStream(Files.newOutputStream(whole.resolve("_metadata")))) {
            Checkpoints.storeCheckpointMetadata(new CheckpointMetadata(1, List.of(), List.of()), out);
        }
        RetainedCheckpoints.check(whole);

        Path damaged = checkpoint("damaged/chk-1", 0);
        byte[] garbage = new byte[bytes];
        new Random(bytes).nextBytes(garbage);
        Files.write(damaged.resolve("_metadata"), garbage);
        assertThatThrownBy(() -> RetainedCheckpoints.check(damaged))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(damaged.toString())
                .hasMessageContaining("move its folder away");
    }

    private Path checkpoint(String path, long completed) throws IOException {
        Path checkpoint = Files.createDirectories(folder.resolve(path));
        Path metadata = Files.writeString(checkpoint.resolve("_metadata"), "complete");
        Files.setLastModifiedTime(metadata, FileTime.fromMillis(completed));
        return checkpoint;
    }
}
