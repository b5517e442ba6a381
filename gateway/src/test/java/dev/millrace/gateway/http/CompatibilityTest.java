package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Holds the table of endpoints in docs/compatibility.md to the router. */
class CompatibilityTest extends HttpTest {

    private static final Path DOCUMENT = Path.of(System.getProperty("millrace.root"), "docs", "compatibility.md");

    /** {@code | `POST /tokenize` | yes | … |}, in parts. */
    private record Row(String method, String path, boolean isThere) {

        static Row of(String line) {
            String[] cells = line.split("\\|", -1);
            String[] endpoint = cells[1].strip().replace("`", "").split(" ");
            return new Row(endpoint[0], endpoint[1], cells[2].strip().equals("yes"));
        }
    }

    @Test
    void anEndpointIsThereExactlyWhereTheTableSaysSo() throws Exception {
        start(config());
        for (Row row : rows()) {
            int status = client.send(
                            request(row.path())
                                    .method(row.method(), BodyPublishers.noBody())
                                    .build(),
                            BodyHandlers.discarding())
                    .statusCode();
            assertThat(status != 404 && status != 405).as(row.toString()).isEqualTo(row.isThere());
        }
    }

    @Test
    void theTableHasEveryPathOfTheRouter() throws Exception {
        Set<String> documented = new TreeSet<>();
        rows().stream().filter(Row::isThere).map(Row::path).forEach(documented::add);
        documented.add("/v1/models/");

        start(config());

        assertThat(server.paths()).isEqualTo(documented);
    }

    private static List<Row> rows() throws Exception {
        return Files.readAllLines(DOCUMENT).stream()
                .dropWhile(line -> !line.equals("## Endpoints"))
                .filter(line -> line.matches("\\| `[A-Z]+ /.*"))
                .map(Row::of)
                .toList();
    }
}
