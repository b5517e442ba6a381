package dev.millrace.job.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.InvalidInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * The flags of the file that {@code --config} names, put among those of the command line, which win. What a value means is vLLM's
 * rule ({@code FlexibleArgumentParser.load_config_file} of vllm/utils/argparse_utils.py): true is the flag, false its
 * {@code --no-} form or nothing, a list several values, a map JSON; {@code model} is the model.
 */
final class ConfigFlags {

    static final String FLAG = "--config";

    private static final String MODEL = "--model";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final CommandSpec command;
    private final List<String> given;
    private final boolean isModelGiven;
    private final List<String> flags = new ArrayList<>();

    /** @param args of the command line, the first one on top */
    private ConfigFlags(Stack<String> args, CommandSpec command) {
        this.command = command;
        this.given = args.stream()
                .map(VllmFlags::name)
                .filter(name -> option(name) != null)
                .toList();
        this.isModelGiven = !args.peek().startsWith("-");
    }

    /**
     * Puts a file's flags in front of the flag that names it.
     *
     * @param args of the command line, the first one on top
     */
    static void insert(Stack<String> args, CommandSpec command) {
        int at = args.size() - 1;
        while (at >= 0 && !VllmFlags.name(args.get(at)).equals(FLAG)) {
            at--;
        }
        if (at < 0 || (at == 0 && args.get(at).equals(FLAG))) {
            return;
        }
        if (args.stream().map(VllmFlags::name).filter(FLAG::equals).count() > 1) {
            throw new ParameterException(command.commandLine(), FLAG + " is given again; one file of flags is read.");
        }
        String arg = args.get(at);
        String path = arg.equals(FLAG) ? args.get(at - 1) : arg.substring(FLAG.length() + 1);
        args.addAll(at + 1, new ConfigFlags(args, command).read(path));
    }

    private List<String> read(String path) {
        try {
            new ConfigFile(path).read().forEach((key, value) -> add(VllmFlags.withDashes("--" + key), value));
        } catch (InvalidInputException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
        Collections.reverse(flags);
        return flags;
    }

    private void add(String flag, Object value) {
        if (isGiven(flag) || (flag.equals(MODEL) && isModelGiven)) {
            return;
        }
        if (value instanceof List<?> values) {
            values.forEach(each -> flags.add(flag + "=" + text(each)));
        } else if (value instanceof Boolean on) {
            flags.addAll(on ? List.of(flag) : off(flag));
        } else if (value != null) {
            flags.add(flag + "=" + text(value));
        } else if (!isKnown(flag)) {
            flags.add(flag);
        }
    }

    /** What turns a switch off; nothing, if it is never on. A flag that nobody knows is left to be refused. */
    private List<String> off(String flag) {
        String no = "--no-" + flag.substring(2);
        if (isKnown(no)) {
            return List.of(no);
        }
        return isKnown(flag) ? List.of() : List.of(flag);
    }

    /** Fields of one flag's JSON go together, from wherever they are. */
    private boolean isGiven(String flag) {
        return given.stream()
                .anyMatch(name -> isField(name) && isField(flag) ? name.equals(flag) : option(name) == option(flag));
    }

    private static boolean isField(String flag) {
        return flag.indexOf('.') >= 0;
    }

    private boolean isKnown(String flag) {
        return option(flag) != null || VllmFlags.rows().containsKey(flag);
    }

    private OptionSpec option(String flag) {
        return VllmFlags.option(command, flag);
    }

    private static String text(Object value) {
        if (!(value instanceof Map || value instanceof List)) {
            return String.valueOf(value);
        }
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new InvalidInputException(
                    FLAG + ": " + value + " cannot be written as JSON: " + e.getOriginalMessage(), FLAG);
        }
    }
}
