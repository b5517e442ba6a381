package dev.millrace.job.cli;

import java.util.HashSet;
import java.util.Set;
import java.util.Stack;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Flags that are given again: the last one holds, as in vLLM, so that a script may add to a command. */
final class RepeatedFlags {

    private RepeatedFlags() {}

    /**
     * Leaves of each flag with one value the last.
     *
     * @param args of the command line, the first one on top
     */
    static void dropEarlier(Stack<String> args, CommandSpec command) {
        Set<OptionSpec> seen = new HashSet<>();
        for (int i = 0; i < args.size(); i++) {
            String arg = args.get(i);
            OptionSpec option = VllmFlags.option(command, VllmFlags.name(arg));
            if (option != null && !option.isMultiValue() && !seen.add(option)) {
                boolean isValueApart = option.arity().max() > 0 && arg.indexOf('=') < 0;
                int first = isValueApart ? i - 1 : i;
                args.subList(first, i + 1).clear();
                i = first - 1;
            }
        }
    }
}
