package dev.millrace.bench.serve;

import dev.millrace.bench.serve.ServerAddress.ServedModel;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Which server is asked, and for which model. */
final class ServerOptions {

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            converter = Backend.Converter.class,
            description =
                    "vllm and openai ask for completions, openai-chat for chat completions (default: ${DEFAULT-VALUE}).")
    Backend backend = Backend.OPENAI;

    @Option(names = "--base-url", paramLabel = "URL", description = "The server, in place of --host and --port.")
    private String baseUrl;

    @Option(names = "--host", paramLabel = "HOST", description = "The server (default: ${DEFAULT-VALUE}).")
    private String host = "127.0.0.1";

    @Option(names = "--port", paramLabel = "PORT", description = "Its port (default: ${DEFAULT-VALUE}).")
    private int port = 8000;

    @Option(
            names = "--endpoint",
            paramLabel = "PATH",
            description =
                    "Path of the interface (default: /v1/completions or /v1/chat/completions, as --backend says).")
    private String endpoint;

    @Option(
            names = "--header",
            paramLabel = "KEY=VALUE",
            arity = "0..*",
            description = "Headers of every request. The environment's OPENAI_API_KEY is sent as the bearer's token.")
    private List<String> headers = new ArrayList<>();

    @Option(names = "--model", paramLabel = "NAME", description = "The model (default: the server's first).")
    private String model;

    @Option(
            names = "--served-model-name",
            paramLabel = "NAME",
            description = "What requests call the model (default: as --model says).")
    private String servedModelName;

    @Option(
            names = "--tokenizer",
            paramLabel = "DIR",
            description = "Folder with the model's tokenizer (default: the model's, where its name is a folder).")
    String tokenizer;

    /** @param apiKey null where there is none */
    ServerAddress address(String apiKey) {
        String base = baseUrl == null ? "http://%s:%d".formatted(host, port) : baseUrl.replaceFirst("/+$", "");
        String path = endpoint == null ? backend.defaultEndpoint() : endpoint;
        if (!path.endsWith(backend.path()) || backend.isChat() != path.endsWith(Backend.OPENAI_CHAT.path())) {
            throw new InvalidInputException(
                    "--endpoint is %s; with --backend %s it must end with %s".formatted(path, backend, backend.path()),
                    "--endpoint");
        }
        Map<String, String> all = new LinkedHashMap<>();
        if (apiKey != null) {
            all.put("Authorization", "Bearer " + apiKey);
        }
        all.putAll(Pairs.parse("--header", headers));
        return new ServerAddress(base, uri(base + path), all);
    }

    /** As it is named here, else the server's first. */
    ServedModel model(HttpClient http, ServerAddress address) throws IOException, InterruptedException {
        return model == null
                ? address.firstModel(http)
                : new ServedModel(servedModelName == null ? model : servedModelName, model);
    }

    private static URI uri(String address) {
        if (!address.matches("https?://[^\\s]+")) {
            throw new InvalidInputException(
                    "the server's address is %s; one that begins with http:// or https:// is allowed"
                            .formatted(address),
                    "--base-url");
        }
        return URI.create(address);
    }
}
