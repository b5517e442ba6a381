package dev.millrace.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.kernel.Kernels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The same bits on every Java version, vector width and state of compilation: the hashes were made once and stay. */
class PortabilityTest {

    private static final List<String> CASES = List.of("text-17", "image-0", "video");
    private static final Map<String, String> HASHES = Map.of(
            "a", "19de6a08e96aca6bcc3d55d4ca4d88f7fb84f50ec4dc55c61cbba3a336a4290f",
            "b", "fe63c89ec62606dcc14271f837f471c3a2545be864f1e9d655eedc2f0c35f37f");

    @Test
    void thisJvmGivesTheStoredBits() {
        HASHES.forEach((variant, hash) ->
                assertThat(LogitsHash.of(variant, Kernels.vector(), 8, CASES)).isEqualTo(hash));
    }

    @Test
    void narrowVectorsGiveTheStoredBits() throws Exception {
        assertThat(inNewJvm("-XX:MaxVectorSize=16", "a", 8, CASES)).isEqualTo(HASHES.get("a"));
    }

    @Test
    void theInterpreterGivesTheBitsOfCompiledCode() throws Exception {
        List<String> cases = List.of("text-1");
        assertThat(inNewJvm("-Xint", "b", 3, cases)).isEqualTo(LogitsHash.of("b", Kernels.vector(), 3, cases));
    }

    private static String inNewJvm(String flag, String variant, int decoded, List<String> cases)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                flag,
                "--add-modules",
                "jdk.incubator.vector",
                "-Dmillrace.root=" + Golden.ROOT,
                "-cp",
                System.getProperty("java.class.path"),
                LogitsHash.class.getName(),
                variant,
                Integer.toString(decoded)));
        command.addAll(cases);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return output.strip();
    }
}
