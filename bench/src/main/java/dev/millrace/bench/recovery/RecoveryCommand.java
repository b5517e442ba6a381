package dev.millrace.bench.recovery;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.recovery.ClientStream.Heard;
import dev.millrace.job.demo.TemporaryFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Kills a job in the midst of answers and tells what its clients noticed. */
@Command(
        name = "recovery",
        description = {
            "What clients of the API notice when the job's process is killed in the midst of their answers.",
            "A broker in this process, 'millrace gateway' and 'millrace run' in processes of their own; 'run' is killed with -9"
                    + " and started again, while every answer is under way. What the clients heard is compared with the"
                    + " committed answers, and with those of an undisturbed run before."
        },
        footer =
                "Exits with 1 if anything was lost or repeated, or if a client heard something else than was committed and"
                        + " was not told.")
public final class RecoveryCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model;

    @Option(
            names = "--num-streams",
            paramLabel = "N",
            converter = Count.class,
            description = "Answers streamed at a time (default: ${DEFAULT-VALUE}).")
    private int numStreams = 16;

    @Option(
            names = "--output-len",
            paramLabel = "TOKENS",
            converter = Count.FromTwo.class,
            description = "Tokens of each answer (default: ${DEFAULT-VALUE}).")
    private int outputLen = 400;

    @Option(
            names = "--kills",
            paramLabel = "N",
            converter = Count.class,
            description = "How often the job is killed, evenly over the answers (default: ${DEFAULT-VALUE}).")
    private int kills = 3;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Seed of pictures and answers (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the figures as JSON, too.")
    private Path json;

    @Parameters(
            paramLabel = "RUN_FLAGS",
            description = "Behind --: further flags of 'millrace run', such as --device gpu.")
    private List<String> runFlags = List.of();

    @Override
    public Integer call() throws Exception {
        try (var folder = TemporaryFolder.create("millrace-bench");
                var job = new KilledJob(folder.path(), model, runFlags)) {
            var clients = new Clients(job.awaitApi(), numStreams, outputLen, seed);
            say("%d answers of %d tokens each, undisturbed", numStreams, outputLen);
            List<Heard> undisturbed = toTheEnd(job, clients.ask());
            requireNoFailure(undisturbed);
            say("the same answers, and %d kills", kills);
            List<ClientStream> streams = clients.ask();
            List<Long> times = kill(job, streams);
            List<Heard> disturbed = toTheEnd(job, streams);
            var report = new Report(outputLen, undisturbed, disturbed, times, verdict(job, disturbed));
            report.print(spec.commandLine().getOut());
            report.figures().write(json);
            return report.holds() ? 0 : 1;
        }
    }

    private List<Long> kill(KilledJob job, List<ClientStream> streams) throws IOException, InterruptedException {
        List<Long> times = new ArrayList<>();
        for (int i = 1; i <= kills; i++) {
            int enough = Math.max(1, (int) ((long) outputLen * i / (kills + 1)));
            job.await("%d tokens of each answer".formatted(enough), () -> streams.stream()
                    .allMatch(stream -> stream.hasEnded() || stream.numTokens() >= enough));
            times.add(job.kill());
            say("kill %d of %d, after %d tokens of each answer", i, kills, enough);
        }
        return times;
    }

    /** What comes before cannot hang on kills. */
    private static void requireNoFailure(List<Heard> undisturbed) {
        for (Heard heard : undisturbed) {
            if (heard.error() != null) {
                throw new IllegalStateException("an answer failed before anything was killed: " + heard.error());
            }
        }
    }

    private void say(String line, Object... values) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("recovery: " + line.formatted(values));
        err.flush();
    }

    private static List<Heard> toTheEnd(KilledJob job, List<ClientStream> streams) {
        job.await("the end of every answer", () -> streams.stream().allMatch(ClientStream::hasEnded));
        return streams.stream().map(ClientStream::heard).toList();
    }

    private Verdict verdict(KilledJob job, List<Heard> disturbed) throws IOException {
        try (var committed = new CommittedAnswers(job.kafka())) {
            return Verdict.of(outputLen, disturbed, committed.await(2 * numStreams, job::check));
        }
    }
}
