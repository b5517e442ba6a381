package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    private Path checkpoint(String path, long completed) throws IOException {
        Path checkpoint = Files.createDirectories(folder.resolve(path));
        Path metadata = Files.writeString(checkpoint.resolve("_metadata"), "complete");
        Files.setLastModifiedTime(metadata, FileTime.fromMillis(completed));
        return checkpoint;
    }
}
