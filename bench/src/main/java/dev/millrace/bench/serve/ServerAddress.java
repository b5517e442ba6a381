package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;

/**
 * Where the server is and what every request to it carries.
 *
 * @param base its address without a path
 * @param api where completions are asked for
 * @param headers of every request
 */
record ServerAddress(String base, URI api, Map<String, String> headers) {

    private static final Duration PATIENCE = Duration.ofSeconds(30); // for what is not a generation
    private static final int OK = 200;

    HttpRequest.Builder request(URI address) {
        HttpRequest.Builder request = HttpRequest.newBuilder(address);
        headers.forEach(request::setHeader);
        return request;
    }

    /** A page of the server's. */
    HttpResponse<String> get(HttpClient http, String path) throws IOException, InterruptedException {
        HttpRequest page = request(URI.create(base + path)).timeout(PATIENCE).build();
        return http.send(page, BodyHandlers.ofString());
    }

    /** The first model that the server has. */
    ServedModel firstModel(HttpClient http) throws IOException, InterruptedException {
        HttpResponse<String> answer = get(http, "/v1/models");
        if (answer.statusCode() != OK) {
            throw new IOException("%s/v1/models: %s; name the model with --model"
                    .formatted(base, ServerError.message(answer.statusCode(), answer.body())));
        }
        JsonNode model = new ObjectMapper().readTree(answer.body()).path("data").path(0);
        if (!model.has("id")) {
            throw new IOException("%s/v1/models names no model; is one loaded?".formatted(base));
        }
        String name = model.path("id").asText();
        return new ServedModel(name, model.path("root").asText(name));
    }

    /**
     * A model of the server's.
     *
     * @param name what requests call it
     * @param root where it came from: a folder, or a name on a hub
     */
    record ServedModel(String name, String root) {}
}
