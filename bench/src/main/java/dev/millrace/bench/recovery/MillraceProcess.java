package dev.millrace.bench.recovery;

import dev.millrace.job.cli.Main;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A command of this program in a process of its own, with this process's Java, class path and JVM options. It ends with this
 * process at the latest, unless that one is killed.
 */
final class MillraceProcess implements AutoCloseable {

    private static final int LAST_LINES = 20;
    private static final long PATIENCE_SECONDS = 30;

    private final String command;
    private final Process process;
    private final Path log;
    private final Thread onExit;

    private MillraceProcess(String command, Process process, Path log) {
        this.command = command;
        this.process = process;
        this.log = log;
        this.onExit = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    /**
     * @param folder its working directory, which exists
     * @param log file that takes what it prints, behind what is there
     */
    static MillraceProcess start(Path folder, Path log, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        return new MillraceProcess("millrace " + arguments.get(0), process, log);
    }

    /** @throws IllegalStateException if it has ended by itself, with what it said last */
    void check() {
        if (!process.isAlive()) {
            throw new IllegalStateException(
                    "%s ended with exit code %d:%n%s".formatted(command, process.exitValue(), lastLines()));
        }
    }

    /** The first group of the first line that it printed and that matches whole, if there is one. */
    Optional<String> said(Pattern line) {
        return printed().stream()
                .map(line::matcher)
                .filter(Matcher::matches)
                .map(found -> found.group(1))
                .findFirst();
    }

    /** What it printed last. */
    String lastLines() {
        List<String> lines = printed();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
    }

    private List<String> printed() {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As {@code kill -9} does it. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
        Runtime.getRuntime().removeShutdownHook(onExit);
    }

    /** Tells it to stop, and kills it if it does not in time, or if nobody may wait. */
    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
            kill();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
