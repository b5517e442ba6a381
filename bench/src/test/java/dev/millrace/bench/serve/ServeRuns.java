package dev.millrace.bench.serve;

import dev.millrace.bench.serve.ScriptedServer.Script;
import dev.millrace.job.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Runs {@code bench serve} against servers of a test's own, and keeps what it prints. */
abstract class ServeRuns {

    static final Path DEMO = Path.of(System.getProperty("millrace.root"), "models/demo-vl");

    @TempDir
    Path folder;

    final StringWriter out = new StringWriter();
    final StringWriter err = new StringWriter();

    final int bench(Script script, Object... flags) throws IOException {
        try (var server = new ScriptedServer(script)) {
            return bench(server, flags);
        }
    }

    final int bench(ScriptedServer server, Object... flags) {
        return run(Stream.concat(Stream.of("--base-url", server.url(), "--disable-tqdm"), Stream.of(flags))
                .toArray());
    }

    final int run(Object... flags) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return line.execute(
                Stream.concat(Stream.of("bench", "serve"), Stream.of(flags).map(Object::toString))
                        .toArray(String[]::new));
    }
}
