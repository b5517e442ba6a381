package dev.millrace.job.cli;

import dev.millrace.gateway.http.GatewayConfig;
import dev.millrace.gateway.http.Listener;
import dev.millrace.gateway.http.RootPath;
import dev.millrace.gateway.openai.AnswerStyle;
import dev.millrace.gateway.topic.TopicsConfig.Instance;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.model.directory.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The HTTP server in front of the topics. Names, meanings and defaults are vLLM's where it has them. */
final class GatewayOptions {

    @Option(
            names = ConfigFlags.FLAG,
            paramLabel = "FILE",
            description = "YAML file of flags, such as port: 8000; what the command line says goes before it"
                    + " (default: none).")
    private String configFile; // read before the command line is

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "Address to listen on (default: all of this machine's).")
    private String host;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            converter = Port.class,
            description = "Port to listen on; 0: a free one (default: ${DEFAULT-VALUE}).")
    private int port = Listener.DEFAULT_PORT;

    @Option(
            names = "--uds",
            paramLabel = "PATH",
            description = "Unix domain socket to listen on instead of --host and --port (default: none).")
    private Path socket;

    @Option(
            names = "--root-path",
            paramLabel = "PATH",
            description = "What a proxy in front has before every path, as /llm; requests are answered with it and"
                    + " without (default: none).")
    private String rootPath = "";

    @Option(
            names = "--api-key",
            arity = "1..*",
            paramLabel = "KEY",
            description = "Keys, one of which a request under /v1 must bring as a bearer token (default: what the"
                    + " environment has as MILLRACE_API_KEY, else none is needed).")
    private List<String> apiKeys = List.of();

    @Option(
            names = "--allowed-origins",
            paramLabel = "JSON",
            converter = JsonTexts.Converter.class,
            description = "Origins of pages that may call, as [\"https://example.org\"] (default: [\"*\"], all).")
    private JsonTexts allowedOrigins = new JsonTexts(List.of("*"));

    @Option(
            names = "--max-pending",
            paramLabel = "N",
            converter = IntegerFrom.One.class,
            description = "Unfinished requests at which further ones are refused with 429 (default: ${DEFAULT-VALUE}).")
    private int maxPending = 1024;

    @Option(
            names = "--max-body-size",
            paramLabel = "BYTES",
            converter = ByteSize.class,
            description = "Most bytes of a request's body; larger ones are refused with 413 (default: 32MiB).")
    private long maxBodySize = GatewayConfig.Limits.DEFAULT.maxBodyBytes();

    @Option(
            names = "--instance-id",
            paramLabel = "ID",
            description =
                    "Name of this server among those of the topics, the same at every start: requests that it left"
                            + " open when it was killed are cancelled when it starts again (default: a new one, and they go on).")
    private String instanceId;

    @Option(
            names = "--shutdown-timeout",
            paramLabel = "SECONDS",
            converter = WholeSeconds.class,
            description = "How long requests may go on when the server is told to stop; 0, the default, ends"
                    + " them at once.")
    private Duration shutdownTimeout = Duration.ZERO;

    @Option(names = "--enable-log-requests", negatable = true, description = "Logs each request.")
    private boolean logRequests;

    @Option(
            names = "--response-role",
            paramLabel = "ROLE",
            description = "Role that answers of a conversation have (default: ${DEFAULT-VALUE}).")
    private String responseRole = "assistant";

    @Option(
            names = "--return-tokens-as-token-ids",
            negatable = true,
            description = "Writes tokens of log-probabilities as token_id:N.")
    private boolean tokensAsIds;

    @Option(
            names = "--enable-prompt-tokens-details",
            negatable = true,
            description = "Has usage tell how many tokens of the prompt were cached.")
    private boolean promptTokensDetails;

    @Option(names = "--enable-force-include-usage", negatable = true, description = "Ends every stream with its usage.")
    private boolean forceUsage;

    @ArgGroup(validate = false)
    private TlsOptions tls = new TlsOptions();

    Duration shutdownTimeout() {
        return shutdownTimeout;
    }

    /**
     * Starts the server.
     *
     * @param names of the model; empty: those that the job says
     * @param chatTemplate text of the template that replaces the model's, or null
     * @throws IOException if the port cannot be had
     * @throws dev.millrace.model.InvalidInputException if a certificate or key cannot be used
     */
    Gateway open(KafkaConfig kafka, TopicLimits limits, ModelDirectory model, List<String> names, String chatTemplate)
            throws IOException {
        Instance instance = instanceId == null ? Instance.unique() : Instance.stable(instanceId);
        return Gateway.open(kafka.gateway(limits, instance, maxPending, null), http(names), model, chatTemplate);
    }

    /** What the flags mean for the server, of a model with these names. */
    GatewayConfig http(List<String> names) {
        return new GatewayConfig(
                new Listener(host, port, socket, tls.tls()),
                new RootPath(rootPath),
                names,
                GatewayConfig.apiKeys(apiKeys, System.getenv()),
                allowedOrigins.values(),
                new AnswerStyle(responseRole, promptTokensDetails, forceUsage, tokensAsIds),
                GatewayConfig.Limits.DEFAULT.withMaxBodyBytes(maxBodySize),
                shutdownTimeout,
                VersionProvider.version(),
                logRequests);
    }
}
