package dev.millrace.bench;

import dev.millrace.job.cli.Main;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code millrace serve} on a thread of this process, stopped when closed. */
final class ServedModel implements AutoCloseable {

    /** The line at the end of its start that says where it is. */
    private static final Pattern ADDRESS = Pattern.compile("  API +http://\\S+:(\\d+)/v1");

    private final Thread thread;
    private final BufferedReader said;
    private final int port;

    private ServedModel(String... args) throws IOException {
        var out = new PipedWriter();
        said = new BufferedReader(new PipedReader(out));
        thread = new Thread(() -> serve(new PrintWriter(out, true), args), "serve");
        thread.start();
        port = awaitStart();
    }

    /** Returns when it answers. */
    static ServedModel start(String... args) throws IOException {
        return new ServedModel(args);
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    private static void serve(PrintWriter out, String... args) {
        try (out) {
            Main.commandLine()
                    .setOut(out)
                    .execute(Stream.concat(Stream.of("serve"), Stream.of(args)).toArray(String[]::new));
        }
    }

    private int awaitStart() throws IOException {
        for (String line = said.readLine(); line != null; line = said.readLine()) {
            Matcher address = ADDRESS.matcher(line);
            if (address.matches()) {
                return Integer.parseInt(address.group(1));
            }
        }
        throw new IOException("millrace serve ended before it was up");
    }

    @Override
    public void close() throws InterruptedException {
        thread.interrupt();
        thread.join();
    }
}
