package dev.millrace.bench.serve;

import dev.millrace.bench.serve.ServerAddress.ServedModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Loads a server with OpenAI's API and measures it, as {@code vllm bench serve} does. */
@Command(
        name = "serve",
        description = "How a server with OpenAI's API bears a load: this one, vLLM's or another.",
        footer = "Exits with 1 if no request was answered.")
public final class ServeCommand implements Callable<Integer> {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

    @Spec
    private CommandSpec spec;

    @Mixin
    private ServerOptions server;

    @Mixin
    private DatasetOptions dataset;

    @Mixin
    private TrafficOptions traffic;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private ReportOptions reporting;

    @Override
    public Integer call() throws Exception {
        HttpClient http = HttpClient.newBuilder().version(Version.HTTP_1_1).build();
        ServerAddress address = server.address(System.getenv("OPENAI_API_KEY"));
        ServedModel model = server.model(http, address);
        var client = new LoadClient(
                http,
                address,
                server.backend,
                model.name(),
                sampling.fields(dataset.name != DatasetName.CUSTOM),
                new Stopwatch(System::nanoTime));
        Measurement measurement = measure(http, address, client, model);
        PrintWriter out = spec.commandLine().getOut();
        new Report(out).print(measurement, traffic);
        if (reporting.saveResult || reporting.appendResult) {
            save(measurement, model);
        }
        return measurement.metrics().answers().isEmpty() ? 1 : 0;
    }

    private Measurement measure(HttpClient http, ServerAddress address, LoadClient client, ServedModel model)
            throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        double[] percentages = reporting.percentiles();
        Goodput goodput = reporting.goodput();
        var requests = new Requests(server.backend, dataset, model, server.tokenizer);
        List<LoadRequest> load = requests.draw();
        double[] arrivals = traffic.arrivals().draw(load.size(), new Random(dataset.seed));
        new WarmUp(client, traffic, out).run(load.get(0));

        SpecDecodeCounts before = SpecDecodeCounts.fetch(http, address);
        out.println("Starting main benchmark run...");
        out.flush();
        double start = client.clock().seconds();
        List<Outcome> outcomes = send(client, load, arrivals);
        double duration = client.clock().seconds() - start;
        SpecDecodeCounts speculation = SpecDecodeCounts.fetch(http, address).since(before);

        Metrics metrics = Metrics.of(requests.counted(outcomes), duration, goodput);
        return Measurement.of(metrics, reporting.metrics(), percentages, speculation);
    }

    private List<Outcome> send(LoadClient client, List<LoadRequest> load, double[] arrivals)
            throws InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        try (Progress progress = traffic.disableProgress ? Progress.none() : Progress.of(load.size(), err)) {
            return new LoadRun(client, traffic.concurrency(), progress::step).send(load, arrivals);
        }
    }

    private void save(Measurement measurement, ServedModel model) throws IOException {
        String date = LocalDateTime.now().format(DATE);
        Object rate = Double.isInfinite(traffic.requestRate) ? "inf" : (Object) traffic.requestRate;
        var result = new ResultFile()
                .put("date", date)
                .put("endpoint_type", server.backend.toString())
                .put("backend", server.backend.toString())
                .put("label", reporting.label)
                .put("model_id", model.root())
                .put("tokenizer_id", server.tokenizer == null ? model.root() : server.tokenizer)
                .put("num_prompts", dataset.numPrompts)
                .putAll(reporting.metadata())
                .put("request_rate", rate)
                .put("burstiness", traffic.burstiness)
                .put("max_concurrency", traffic.maxConcurrency);
        result.measurement(measurement, reporting.saveDetailed);
        Path file = reporting.resultDir.resolve(
                reporting.resultFilename == null ? fileName(rate, model, date) : reporting.resultFilename);
        result.write(file, reporting.appendResult);
    }

    private String fileName(Object rate, ServedModel model, String date) {
        String label = reporting.label == null ? server.backend.toString() : reporting.label;
        String concurrency = traffic.maxConcurrency == null ? "" : "-concurrency" + traffic.maxConcurrency;
        String name = model.root().replaceFirst("/+$", "").replaceFirst(".*/", "");
        return "%s-%sqps%s-%s-%s.json".formatted(label, rate, concurrency, name, date);
    }
}
