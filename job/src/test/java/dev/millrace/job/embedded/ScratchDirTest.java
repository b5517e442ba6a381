package dev.millrace.job.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScratchDirTest {

    @Test
    void whatAKilledProcessLeftIsSweptAndNothingElse(@TempDir Path dir) throws IOException {
        Path left = Files.createDirectories(dir.resolve("tmp/minicluster_1")).resolve("flink-rpc.jar");
        Files.writeString(left, "jar");
        Path kept = Files.writeString(dir.resolve("kept"), "kept");
        Files.createSymbolicLink(dir.resolve("tmp/link"), dir);
        try (ScratchDir scratch = ScratchDir.claim(dir.resolve("tmp"))) {
            assertThat(left.getParent()).doesNotExist();
            assertThat(kept).exists();
            Files.writeString(scratch.path().resolve("new"), "new");
        }
        assertThat(dir.resolve("tmp/new")).doesNotExist();
        assertThat(kept).exists();
    }

    @Test
    void folderHasOneOwner(@TempDir Path dir) throws IOException {
        try (ScratchDir owner = ScratchDir.claim(dir)) {
            Path file = Files.writeString(owner.path().resolve("file"), "in use");
            assertThatThrownBy(() -> ScratchDir.claim(dir))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("give another one");
            assertThat(file).exists();
        }
        ScratchDir.claim(dir).close();
    }
}
