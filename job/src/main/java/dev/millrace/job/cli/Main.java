package dev.millrace.job.cli;

import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code millrace}: parses the line, runs the command asked for and exits with its code. */
@Command(
        name = "millrace",
        description = "Qwen2.5-VL inference as an Apache Flink streaming job: prompts in Kafka become tokens in Kafka.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = VersionProvider.class,
        usageHelpAutoWidth = true,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:all went well", "1:something failed; the message says what", "2:the command line is at fault"
        },
        subcommands = {DemoCommand.class, RunCommand.class, CheckCommand.class})
public final class Main implements Runnable {

    @Spec
    private CommandSpec spec;

    /** The command line with every command that is on the class path. */
    public static CommandLine commandLine() {
        var line = new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setAbbreviatedOptionsAllowed(false)
                .setParameterExceptionHandler(Complaints::badParameter)
                .setExecutionExceptionHandler(Complaints::failed);
        ServiceLoader.load(Subcommand.class).forEach(command -> line.addSubcommand(command));
        return line;
    }

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "No command was given; one of %s is allowed."
                        .formatted(String.join(", ", spec.subcommands().keySet())));
    }
}
