package dev.millrace.job.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Reads a command line as vLLM's users write it: underscores in a flag's name stand for dashes, and a flag that only vLLM has
 * is refused by name, with what to do instead, unless it says what holds here anyway.
 */
final class VllmFlags implements IParameterPreprocessor {

    private static final String TABLE = "vllm-flags.txt";
    private static final Map<String, Row> ROWS = read();

    /**
     * What is said of a flag.
     *
     * @param advice what to do instead
     * @param taken values that say what holds here anyway; may be {@link #ANY} or {@link #SWITCH}
     */
    record Row(String advice, List<String> taken) {

        private static final String ANY = "any";
        private static final String SWITCH = "switch";

        boolean isTakenSwitch() {
            return taken.contains(SWITCH);
        }

        boolean takes(String value) {
            return taken.contains(ANY) || taken.contains(value);
        }

        private String refusal(String flag) {
            String values = taken.isEmpty() || isTakenSwitch() ? "" : " (" + String.join(" or ", taken) + " is taken)";
            return flag + " is a flag of vLLM that Millrace does not have: " + advice + values + ".";
        }
    }

    /** The flags that only vLLM has, in the table's order. */
    static Map<String, Row> rows() {
        return ROWS;
    }

    @Override
    public boolean preprocess(Stack<String> args, CommandSpec command, ArgSpec argument, Map<String, Object> info) {
        args.replaceAll(VllmFlags::withDashes);
        ConfigFlags.insert(args, command);
        DottedFlags.join(args);
        RepeatedFlags.dropEarlier(args, command);
        for (int i = args.size() - 1; i >= 0; i--) { // the first argument is on top
            String flag = name(args.get(i));
            Row row = ROWS.get(flag);
            if (row != null && command.findOption(flag) == null) {
                int first = i - lengthTaken(row, args, i) + 1;
                if (first > i) {
                    throw new ParameterException(command.commandLine(), row.refusal(flag));
                }
                args.subList(first, i + 1).clear();
                i = first;
            }
        }
        return false;
    }

    /** How many arguments say what holds anyway; 0 if they ask for something else. */
    private static int lengthTaken(Row row, Stack<String> args, int index) {
        String arg = args.get(index);
        int equals = arg.indexOf('=');
        if (equals >= 0) {
            return row.takes(arg.substring(equals + 1)) ? 1 : 0;
        }
        if (row.isTakenSwitch()) {
            return 1;
        }
        return index > 0 && row.takes(args.get(index - 1)) ? 2 : 0;
    }

    /** An argument with dashes in a flag's name; fields of its JSON stay as they are. */
    static String withDashes(String arg) {
        if (!arg.startsWith("--")) {
            return arg;
        }
        String name = name(arg).split("\\.", 2)[0];
        return name.replace('_', '-') + arg.substring(name.length());
    }

    /** A flag without its value. */
    static String name(String arg) {
        int equals = arg.indexOf('=');
        return equals < 0 ? arg : arg.substring(0, equals);
    }

    /** Null if a command has none of the name; of a field of a flag's JSON it is the flag. */
    static OptionSpec option(CommandSpec command, String flag) {
        String name = flag.split("\\.", 2)[0];
        OptionSpec plain = command.optionsMap().get(name);
        return plain == null ? command.negatedOptionsMap().get(name) : plain;
    }

    private static Map<String, Row> read() {
        Map<String, Row> rows = new LinkedHashMap<>();
        try (var lines = new BufferedReader(
                new InputStreamReader(VllmFlags.class.getResourceAsStream(TABLE), StandardCharsets.UTF_8))) {
            lines.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.split(" \\| ", 3))
                    .forEach(cells -> {
                        List<String> taken = cells.length < 3 ? List.of() : List.of(cells[2].split(", "));
                        for (String flag : cells[0].split(", ")) {
                            rows.put(flag, new Row(cells[1], taken));
                        }
                    });
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
