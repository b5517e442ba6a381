package dev.millrace.job.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddedFlinkTest {

    @ParameterizedTest
    @Timeout(60)
    @ValueSource(strings = {"rest.port", "rest.bind-port"})
    void theDashboardIsWhereItsAddressSaysWhateverPortWasAskedFor(String option, @TempDir Path dir) throws Exception {
        int given = Ports.orFree(0);
        for (int asked : new int[] {0, given}) {
            try (EmbeddedFlink flink = EmbeddedFlink.start(dir, 1, Map.of(option, Integer.toString(asked)))) {
                URI dashboard = flink.dashboard();
                assertThat(dashboard.getHost()).isEqualTo("127.0.0.1");
                if (asked == given) {
                    assertThat(dashboard.getPort()).isEqualTo(given);
                }
                assertThat(overview(dashboard).body()).contains("\"flink-version\"");
            }
        }
    }

    private static HttpResponse<String> overview(URI dashboard) throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(dashboard.resolve("/overview")).build();
        HttpResponse<String> answer;
        do {
            answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        } while (answer.statusCode() == 503); // it has no leader yet
        return answer;
    }
}
