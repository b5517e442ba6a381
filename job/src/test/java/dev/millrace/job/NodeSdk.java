package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/** OpenAI's library for Node, installed by npm into {@code target} once. */
final class NodeSdk {

    private static final Path RESOURCES =
            Path.of(System.getProperty("millrace.root"), "job/src/test/resources/openai-node");
    private static final Path FOLDER = Path.of(System.getProperty("millrace.root"), "job/target/openai-node");

    private NodeSdk() {}

    /** What a script of {@code src/test/resources/openai-node} prints; its complaints go to the test's. */
    static String run(String script, Map<String, String> environment) throws Exception {
        install();
        Files.copy(RESOURCES.resolve(script), FOLDER.resolve(script), StandardCopyOption.REPLACE_EXISTING);
        return call(List.of("node", script), environment);
    }

    private static void install() throws Exception {
        Path lock = FOLDER.resolve("package-lock.json");
        Path wanted = RESOURCES.resolve("package-lock.json");
        Path installed = FOLDER.resolve("node_modules/.package-lock.json"); // npm writes it last
        if (Files.exists(installed) && Files.exists(lock) && Files.mismatch(lock, wanted) == -1) {
            return;
        }
        Files.createDirectories(FOLDER);
        for (Path file : List.of(wanted, RESOURCES.resolve("package.json"))) {
            Files.copy(file, FOLDER.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
        call(List.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"), Map.of());
    }

    private static String call(List<String> command, Map<String, String> environment) throws Exception {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(FOLDER.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        Process process = start(builder);
        try (InputStream out = process.getInputStream()) {
            String text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
            return text;
        } finally {
            process.destroyForcibly(); // has ended, unless the test was interrupted
        }
    }

    private static Process start(ProcessBuilder builder) {
        try {
            return builder.start();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "%s does not start; this test takes Node.js 20 or later and npm on the PATH (on Debian: apt-get install nodejs npm)"
                            .formatted(builder.command()),
                    e);
        }
    }
}
