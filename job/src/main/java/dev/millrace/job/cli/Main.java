package dev.millrace.job.cli;

import java.util.Locale;
import java.util.ServiceLoader;
import java.util.ServiceLoader.Provider;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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
        })
public final class Main implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    @Spec
    private CommandSpec spec;

    /** The command line with every command that is on the class path. */
    public static CommandLine commandLine() {
        Stream<Object> own = Stream.of(
                new DemoCommand(), new ServeCommand(), new GatewayCommand(), new RunCommand(false), new CheckCommand());
        Stream<Subcommand> others =
                ServiceLoader.load(Subcommand.class).stream().map(Provider::get);
        return commandLine(Stream.concat(own, others));
    }

    /** The command that is a Flink job, and it alone, for a program that Flink's own client runs. */
    public static CommandLine flinkProgram() {
        return commandLine(Stream.of(new RunCommand(true)));
    }

    private static CommandLine commandLine(Stream<?> commands) {
        var line = new CommandLine(new Main());
        commands.forEach(line::addSubcommand);
        return line.registerConverter(Long.TYPE, new WholeNumber())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setAbbreviatedOptionsAllowed(false)
                .setParameterExceptionHandler(Complaints::badParameter)
                .setExecutionExceptionHandler(Complaints::failed);
    }

    /**
     * An error ends the process, too, whatever threads there are by then: who watches it is to see that. Numbers and names are
     * written as everywhere; Flink finds no fields in our records where the lower case of I is not i.
     */
    public static void main(String[] args) {
        Locale.setDefault(Locale.ROOT);
        try {
            System.exit(commandLine().execute(args));
        } catch (Error e) {
            LOG.error("The command cannot go on", e);
            System.exit(1);
        }
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "No command was given; one of %s is allowed."
                        .formatted(String.join(", ", spec.subcommands().keySet())));
    }
}
