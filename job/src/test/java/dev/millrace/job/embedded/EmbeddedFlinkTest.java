package dev.millrace.job.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(600)
class EmbeddedFlinkTest {

    @Test
    void theDashboardIsWhereItsAddressSaysWhateverPortWasAskedFor(@TempDir Path dir) throws Exception {
        int given = Ports.orFree(0);
        assertThat(addressThatAnswers(dir, Map.of("rest.port", "0")).getHost()).isEqualTo("127.0.0.1");
        assertThat(addressThatAnswers(dir, Map.of("rest.bind-port", Integer.toString(given)))
                        .getPort())
                .isEqualTo(given);
    }

    private static URI addressThatAnswers(Path dir, Map<String, String> settings) throws Exception {
        try (EmbeddedFlink flink = EmbeddedFlink.start(dir, 1, settings)) {
            assertThat(overview(flink.dashboard()).body()).contains("\"flink-version\"");
            return flink.dashboard();
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

    @Test
    void whatKeepsItFromStartingIsSaid(@TempDir Path dir) {
        assertThatThrownBy(() -> EmbeddedFlink.start(dir, 1, Map.of("rest.port", "99999")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(dir.toString())
                .hasMessageContaining("99999");
    }
}
