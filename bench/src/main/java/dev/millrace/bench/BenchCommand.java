package dev.millrace.bench;

import dev.millrace.bench.recovery.RecoveryCommand;
import dev.millrace.bench.serve.ServeCommand;
import dev.millrace.job.cli.Subcommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code millrace bench}. */
@Command(
        name = "bench",
        description = "Measures the engine without Flink, the whole job around it, or a server.",
        subcommands = {
            ThroughputCommand.class,
            LatencyCommand.class,
            VisionCommand.class,
            InterferenceCommand.class,
            SpeculationCommand.class,
            AcceptanceCommand.class,
            StartUpCommand.class,
            AccuracyCommand.class,
            CaptionsCommand.class,
            ServeCommand.class,
            RecoveryCommand.class
        })
public final class BenchCommand implements Subcommand, Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "No measurement was named; one of %s is allowed."
                        .formatted(String.join(", ", spec.subcommands().keySet())));
    }
}
