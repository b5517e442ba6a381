package dev.millrace.job.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Reads a command line as vLLM's users write it: underscores in a flag's name stand for dashes, and a flag that only vLLM has
 * is refused by name, with what to do instead.
 */
final class VllmFlags implements IParameterPreprocessor {

    private static final String TABLE = "vllm-flags.txt";

    /** Advice by flag. */
    private static final Map<String, String> ADVICE = read();

    /** The flags that only vLLM has, each with what to do instead, in the table's order. */
    static Map<String, String> advice() {
        return ADVICE;
    }

    @Override
    public boolean preprocess(Stack<String> args, CommandSpec command, ArgSpec argument, Map<String, Object> info) {
        args.replaceAll(VllmFlags::withDashes);
        for (int i = args.size() - 1; i >= 0; i--) {
            String flag = name(args.get(i));
            String advice = ADVICE.get(flag);
            if (advice != null && command.findOption(flag) == null) {
                throw new ParameterException(
                        command.commandLine(),
                        flag + " is a flag of vLLM that Millrace does not have: " + advice + ".");
            }
        }
        return false;
    }

    private static String withDashes(String arg) {
        if (!arg.startsWith("--")) {
            return arg;
        }
        String name = name(arg);
        return name.replace('_', '-') + arg.substring(name.length());
    }

    private static String name(String arg) {
        int equals = arg.indexOf('=');
        return equals < 0 ? arg : arg.substring(0, equals);
    }

    private static Map<String, String> read() {
        Map<String, String> advice = new LinkedHashMap<>();
        try (var lines = new BufferedReader(
                new InputStreamReader(VllmFlags.class.getResourceAsStream(TABLE), StandardCharsets.UTF_8))) {
            lines.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.split(" \\| ", 2))
                    .forEach(row -> {
                        for (String flag : row[0].split(", ")) {
                            advice.put(flag, row[1]);
                        }
                    });
            return advice;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
