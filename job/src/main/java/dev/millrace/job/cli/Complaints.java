package dev.millrace.job.cli;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** How the command line says that something is wrong: one sentence for the user's faults, a trace for ours. */
final class Complaints {

    private Complaints() {}

    static int badParameter(ParameterException e, String[] args) {
        CommandLine line = e.getCommandLine();
        String message = e instanceof UnmatchedArgumentException unmatched ? unknown(unmatched) : asTyped(e, args);
        line.getErr().println("millrace: " + message);
        line.getErr().printf("See '%s --help'.%n", line.getCommandSpec().qualifiedName());
        return line.getCommandSpec().exitCodeOnInvalidInput();
    }

    /** The message, in which a flag with several names has the one that the user knows. */
    private static String asTyped(ParameterException e, String[] args) {
        if (!(e.getArgSpec() instanceof OptionSpec option)) {
            return e.getMessage();
        }
        return Arrays.stream(args)
                .map(VllmFlags::name)
                .filter(List.of(option.names())::contains)
                .findFirst()
                .map(name -> e.getMessage().replace("'" + option.longestName() + "'", "'" + name + "'"))
                .orElse(e.getMessage());
    }

    /** Of all that was not understood the first is the cause; a flag gets those that are spelled like it. */
    private static String unknown(UnmatchedArgumentException e) {
        if (!e.isUnknownOption()) {
            return e.getMessage();
        }
        String unknown = "Unknown option: '" + e.getUnmatched().get(0) + "'";
        return e.getSuggestions().isEmpty()
                ? unknown
                : unknown + "; the nearest is " + String.join(" or ", e.getSuggestions());
    }

    static int failed(Exception e, CommandLine line, ParseResult result) {
        if (e instanceof InterruptedException || e instanceof InterruptException) {
            line.getErr().println("millrace: stopped");
        } else if (isUsersFault(e)) {
            line.getErr().println("millrace: " + sentence(e));
        } else {
            line.getErr().println(line.getColorScheme().stackTraceText(e));
        }
        return line.getCommandSpec().exitCodeOnExecutionException();
    }

    /** Files' exceptions say no more than the path; their names say what is wrong with it. */
    private static String sentence(Exception e) {
        String message = e instanceof FileSystemException || e.getMessage() == null ? e.toString() : e.getMessage();
        String cause = firstLine(e.getCause());
        return message.contains(cause) ? message : message + " (" + cause + ")";
    }

    /** Of a JSON reader's message the rest says where in our code it was. */
    private static String firstLine(Throwable cause) {
        return cause == null || cause.getMessage() == null
                ? ""
                : cause.getMessage().lines().findFirst().orElse("");
    }

    private static boolean isUsersFault(Exception e) {
        return e instanceof InvalidInputException
                || e instanceof CheckpointException
                || e instanceof IllegalArgumentException
                || e instanceof KafkaException
                || e instanceof IOException;
    }
}
