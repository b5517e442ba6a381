package dev.millrace.job;

import dev.millrace.job.cli.Main;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** {@code millrace serve} in a process of its own, which is killed when this is closed. */
final class ServedProcess implements AutoCloseable {

    /** A line of those at the end of the start, such as {@code   Dashboard  http://127.0.0.1:8081}. */
    private static final Pattern FACT = Pattern.compile("  ([A-Z]\\w+) +(\\S.*)");

    private final Process process;
    private final BufferedReader out;
    private final Map<String, String> facts = new TreeMap<>();

    private ServedProcess(Process process) {
        this.process = process;
        this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts it and returns when it says that it is there. */
    static ServedProcess start(Path workingDirectory, String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-Dai.djl.offline=true",
                "-Xmx1g",
                "-Duser.language=tr", // whose lower case of I is not i
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName(),
                "serve"));
        command.addAll(List.of(args));
        var served = new ServedProcess(new ProcessBuilder(command)
                .directory(workingDirectory.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
        try {
            served.awaitStart();
        } catch (IOException | RuntimeException e) {
            served.close();
            throw e;
        }
        return served;
    }

    private void awaitStart() throws IOException {
        String line = out.readLine();
        while (line != null && !line.equals("Application startup complete.")) {
            line = out.readLine();
        }
        while (!facts.containsKey("Topics")) {
            line = out.readLine();
            if (line == null) {
                throw new IOException("millrace serve ended before it was up");
            }
            var match = FACT.matcher(line);
            if (match.matches()) {
                facts.put(match.group(1), match.group(2));
            }
        }
    }

    /** What it said of itself at the end of its start. */
    String fact(String name) {
        return facts.get(name);
    }

    /** Its brokers. */
    String bootstrapServers() {
        String topics = fact("Topics");
        return topics.substring(topics.lastIndexOf(' ') + 1);
    }

    long pid() {
        return process.pid();
    }

    /** Tells it to stop, and waits until it has; its exit code. */
    int stop() throws InterruptedException {
        process.destroy();
        return process.waitFor();
    }

    /** As {@code kill -9} does it. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() {
        try {
            kill();
            out.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
