package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.sampling.Sampler;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.sampling.TokenCounts;
import java.util.List;

/** Compares the probabilities by which a token is drawn with {@code sampling-X}. */
final class SamplingCheck {

    private final VectorFiles files;
    private final String file;

    SamplingCheck(VectorFiles files, String suffix) {
        this.files = files;
        this.file = "sampling-" + suffix;
    }

    void run(CheckReport report) {
        if (!files.exists(file + ".safetensors")) {
            report.passOver(file + ".safetensors is not there");
            return;
        }
        try (var tensors = SafetensorsFile.open(files.resolve(file + ".safetensors"))) {
            for (JsonNode entry : files.json(file + ".json")) {
                report.addAll(file, entry.path("case").asText(), () -> List.of(compare(entry, tensors)));
            }
        }
    }

    private CheckRow compare(JsonNode entry, SafetensorsFile tensors) {
        String name = entry.path("case").asText();
        float[] logits = tensors.tensor(name + ".logits").toFloats();
        int[] output = tensors.tensor(name + ".output").toInts();
        var counts = new TokenCounts();
        for (int token : tensors.tensor(name + ".prompt").toInts()) {
            counts.addPrompt(token);
        }
        for (int token : output) {
            counts.addOutput(token);
        }
        var context = new Sampler.Context(params(entry), counts, output.length, 0, 0);
        float[] actual = new Sampler(logits.length).probabilities(logits, 0, context);
        float[] expected = tensors.tensor(name + ".probs").toFloats();
        return Comparison.within(file, name, "probabilities", actual, expected, Tolerance.PROBABILITIES);
    }

    private static SamplingParams params(JsonNode entry) {
        return SamplingParams.builder()
                .temperature(number(entry, "temperature", 1))
                .topP(number(entry, "top_p", 1))
                .topK(entry.path("top_k").asInt(0))
                .minP(number(entry, "min_p", 0))
                .repetitionPenalty(number(entry, "repetition_penalty", 1))
                .presencePenalty(number(entry, "presence_penalty", 0))
                .frequencyPenalty(number(entry, "frequency_penalty", 0))
                .build();
    }

    private static float number(JsonNode entry, String name, double otherwise) {
        return (float) entry.path(name).asDouble(otherwise);
    }
}
