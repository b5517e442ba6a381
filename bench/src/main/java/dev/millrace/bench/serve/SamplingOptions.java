package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.job.cli.JsonObject;
import picocli.CommandLine.Option;

/** How the server draws tokens; what is not given is the server's to say. */
final class SamplingOptions {

    @Option(names = "--temperature", paramLabel = "T", description = "temperature of every request.")
    Double temperature;

    @Option(names = "--top-p", paramLabel = "P", description = "top_p of every request.")
    Double topP;

    @Option(names = "--top-k", paramLabel = "K", description = "top_k of every request.")
    Integer topK;

    @Option(names = "--min-p", paramLabel = "P", description = "min_p of every request.")
    Double minP;

    @Option(names = "--frequency-penalty", paramLabel = "N", description = "frequency_penalty of every request.")
    Double frequencyPenalty;

    @Option(names = "--presence-penalty", paramLabel = "N", description = "presence_penalty of every request.")
    Double presencePenalty;

    @Option(names = "--repetition-penalty", paramLabel = "N", description = "repetition_penalty of every request.")
    Double repetitionPenalty;

    @Option(names = "--logprobs", paramLabel = "N", description = "logprobs of every request for completions.")
    Integer logprobs;

    @Option(
            names = "--ignore-eos",
            description = "Has every answer go on to its full length; always so with random and random-mm.")
    boolean ignoreEos;

    @Option(
            names = "--extra-body",
            paramLabel = "JSON",
            converter = JsonObject.class,
            description = "Fields of every request's body, which win over all others.")
    ObjectNode extraBody;

    /** Fields of every body. */
    ObjectNode fields(boolean fullLength) {
        ObjectNode fields = JsonNodeFactory.instance.objectNode();
        fields.put("temperature", temperature)
                .put("top_p", topP)
                .put("top_k", topK)
                .put("min_p", minP)
                .put("frequency_penalty", frequencyPenalty)
                .put("presence_penalty", presencePenalty)
                .put("repetition_penalty", repetitionPenalty)
                .put("logprobs", logprobs);
        fields.properties().removeIf(field -> field.getValue().isNull());
        if (fullLength || ignoreEos) {
            fields.put("ignore_eos", true);
        }
        return extraBody == null ? fields : fields.setAll(extraBody);
    }
}
