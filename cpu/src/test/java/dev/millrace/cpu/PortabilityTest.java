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

    private static final String MODULE = "--add-modules=jdk.incubator.vector";
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
        assertThat(inNewJvm(List.of(MODULE, "-XX:MaxVectorSize=16"), false, "a", 8, CASES))
                .isEqualTo(HASHES.get("a"));
    }

    @Test
    void theInterpreterGivesTheBitsOfCompiledCode() throws Exception {
        List<String> cases = List.of("text-1");
        assertThat(inNewJvm(List.of(MODULE, "-Xint"), false, "b", 3, cases))
                .isEqualTo(LogitsHash.of("b", Kernels.vector(), 3, cases));
    }

    @Test
    void withoutTheVectorModuleScalarKernelsGiveTheStoredBits() throws Exception {
        assertThat(inNewJvm(List.of(), true, "a", 8, CASES)).isEqualTo(HASHES.get("a"));
    }

    @Test
    void withoutTheVectorModuleAndLeaveToDoWithoutTheFlagIsNamed() throws Exception {
        assertThat(inNewJvm(List.of(), false, "a", 8, CASES))
                .contains("Start it with: --add-modules jdk.incubator.vector")
                .contains("--allow-scalar");
    }

    /** What a new JVM prints, errors included but for the warning that the module incubates. */
    private static String inNewJvm(
            List<String> flags, boolean allowScalar, String variant, int decoded, List<String> cases)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of(
                "-Dmillrace.root=" + Golden.ROOT,
                "-cp",
                System.getProperty("java.class.path"),
                LogitsHash.class.getName(),
                Boolean.toString(allowScalar),
                variant,
                Integer.toString(decoded)));
        command.addAll(cases);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output.replaceAll("(?m)^WARNING:.*$", "").strip();
    }
}
