package dev.millrace.bench.recovery;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.bench.pictures.ImageSize;
import dev.millrace.bench.pictures.ShapePictures;
import dev.millrace.bench.serve.ServerError;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Clients of a server with OpenAI's API, each of which asks about a picture of its own: half greedy, half drawn with seeds. */
final class Clients {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ImageSize SIZE = new ImageSize(112, 112);
    private static final int OK = 200;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<byte[]> bodies = new ArrayList<>();
    private final URI address;

    /**
     * @param api base address, which ends with {@code /v1}
     * @param length tokens of each answer, whatever they are
     */
    Clients(URI api, int count, int length, long seed) throws IOException {
        address = URI.create(api + "/chat/completions");
        var pictures = new ShapePictures(new Random(seed), SIZE);
        for (int i = 0; i < count; i++) {
            String picture = "data:image/png;base64," + Base64.getEncoder().encodeToString(pictures.next());
            List<Map<String, Object>> question = List.of(
                    Map.of("type", "image_url", "image_url", Map.of("url", picture)),
                    Map.of("type", "text", "text", "Tell story number %d about this picture.".formatted(i)));
            bodies.add(JSON.writeValueAsBytes(Map.of(
                    "messages",
                    List.of(Map.of("role", "user", "content", question)),
                    "max_tokens",
                    length,
                    "ignore_eos",
                    true,
                    "temperature",
                    i % 2,
                    "seed",
                    seed + i,
                    "stream",
                    true,
                    "return_token_ids",
                    true)));
        }
    }

    /** Has all of them ask. */
    List<ClientStream> ask() {
        return bodies.stream().map(this::ask).toList();
    }

    private ClientStream ask(byte[] body) {
        var stream = new ClientStream();
        HttpRequest request = HttpRequest.newBuilder(address)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofByteArray(body))
                .build();
        http.sendAsync(request, head -> reader(head, stream)).whenComplete((response, failure) -> {
            if (failure != null) {
                stream.fail(failure.toString());
            }
        });
        return stream;
    }

    private static BodySubscriber<Void> reader(ResponseInfo head, ClientStream stream) {
        if (head.statusCode() == OK) {
            return BodySubscribers.fromLineSubscriber(stream, done -> null, StandardCharsets.UTF_8, null);
        }
        return BodySubscribers.mapping(BodySubscribers.ofString(StandardCharsets.UTF_8), body -> {
            stream.fail(ServerError.message(head.statusCode(), body));
            return null;
        });
    }
}
