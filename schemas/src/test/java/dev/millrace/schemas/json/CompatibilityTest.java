package dev.millrace.schemas.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Holds the table of fields in docs/compatibility.md to the reader of requests. */
class CompatibilityTest {

    private static final Path DOCUMENT = Path.of(System.getProperty("millrace.root"), "docs", "compatibility.md");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `(\\w+)` \\| (read|passed over|refused) \\|");

    @Test
    void theTableSaysOfEachKnownFieldWhatIsDoneWithIt() throws IOException {
        String document = Files.readString(DOCUMENT);
        Map<String, String> documented = ROW.matcher(document.substring(document.indexOf("## Request fields")))
                .results()
                .collect(Collectors.toMap(row -> row.group(1), row -> row.group(2)));

        assertThat(new TreeMap<>(documented)).isEqualTo(new TreeMap<>(KnownFields.treatments()));
    }
}
