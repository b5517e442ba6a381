package dev.millrace.job.cli;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import org.apache.kafka.common.KafkaException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** How the command line says that something is wrong: one sentence for the user's faults, a trace for ours. */
final class Complaints {

    private Complaints() {}

    static int badParameter(ParameterException e, String[] args) {
        CommandLine line = e.getCommandLine();
        line.getErr().println("millrace: " + e.getMessage());
        if (e instanceof UnmatchedArgumentException unmatched) {
            UnmatchedArgumentException.printSuggestions(unmatched, line.getErr());
        }
        line.getErr().printf("See '%s --help'.%n", line.getCommandSpec().qualifiedName());
        return line.getCommandSpec().exitCodeOnInvalidInput();
    }

    static int failed(Exception e, CommandLine line, ParseResult result) {
        if (isUsersFault(e)) {
            String cause = e.getCause() == null ? "" : " (" + e.getCause().getMessage() + ")";
            line.getErr().println("millrace: " + e.getMessage() + cause);
        } else {
            line.getErr().println(line.getColorScheme().stackTraceText(e));
        }
        return line.getCommandSpec().exitCodeOnExecutionException();
    }

    private static boolean isUsersFault(Exception e) {
        return e instanceof InvalidInputException
                || e instanceof CheckpointException
                || e instanceof IllegalArgumentException
                || e instanceof KafkaException
                || e instanceof IOException;
    }
}
