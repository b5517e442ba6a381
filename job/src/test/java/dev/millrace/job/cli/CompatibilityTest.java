package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.OptionSpec;

/** Holds the tables of flags in docs/compatibility.md to the command line. */
class CompatibilityTest {

    private static final Path DOCUMENT = Path.of(System.getProperty("millrace.root"), "docs", "compatibility.md");

    @Test
    void theTablesNameEachFlagOfServeOnceAndNoOther() throws IOException {
        List<String> documented = new ArrayList<>();
        for (List<String> row : rows("## Flags of vLLM that `serve` has")) {
            documented.add(unquoted(row.get(0)));
        }
        for (List<String> row : rows("## Flags of Millrace alone")) {
            documented.add(unquoted(row.get(0)));
        }

        List<String> there = serve().stream()
                .map(OptionSpec::longestName)
                .filter(name -> !name.equals("--help") && !name.equals("--version"))
                .map(name -> name.replace("--no-", "--"))
                .toList();

        assertThat(documented).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(there);
    }

    @Test
    void plainDefaultsAreThoseOfTheCommandLine() throws IOException {
        Map<String, String> defaults = new LinkedHashMap<>();
        for (OptionSpec option : serve()) {
            defaults.put(option.longestName(), String.valueOf((Object) option.getValue()));
        }
        for (List<String> row : rows("## Flags of vLLM that `serve` has")) {
            String told = row.get(1);
            String actual = defaults.get(unquoted(row.get(0)));
            if (told.matches("[0-9.]+|auto|assistant|fcfs") && actual != null && !actual.equals("null")) {
                assertThat(actual).as(row.get(0)).isIn(told, "PT" + told + "S");
            }
            if (told.equals("on") || told.equals("off")) {
                assertThat(actual).as(row.get(0)).isEqualTo(Boolean.toString(told.equals("on")));
            }
        }
    }

    @Test
    void theFlagsThatAreRefusedAreToldInTheWordsOfTheirRefusal() throws IOException {
        Map<String, VllmFlags.Row> told = new LinkedHashMap<>();
        for (List<String> row : rows("## Flags of vLLM that Millrace does not have")) {
            List<String> taken =
                    row.get(2).isEmpty() ? List.of() : List.of(row.get(2).split(", "));
            for (String flag : row.get(0).split(", ")) {
                told.put(unquoted(flag), new VllmFlags.Row(row.get(1), taken));
            }
        }
        assertThat(told).isEqualTo(VllmFlags.rows());
    }

    private static List<OptionSpec> serve() {
        return Main.commandLine().getSubcommands().get("serve").getCommandSpec().options();
    }

    private static String unquoted(String cell) {
        return cell.replace("`", "");
    }

    /** The cells of a section's table, without its head. */
    private static List<List<String>> rows(String heading) throws IOException {
        List<String> lines = Files.readAllLines(DOCUMENT);
        int from = lines.indexOf(heading);
        assertThat(from).as(heading).isNotNegative();
        return lines.stream()
                .skip(from + 1L)
                .takeWhile(line -> !line.startsWith("## "))
                .filter(line -> line.startsWith("|"))
                .skip(2)
                .map(line -> Arrays.stream(line.substring(1, line.length() - 1).split("(?<!\\\\)\\|", -1))
                        .map(cell -> cell.strip().replace("\\|", "|"))
                        .toList())
                .toList();
    }
}
