package dev.millrace.job.cli;

import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** Which model is served, how it is held and what its requests may ask for. Names, meanings and defaults are vLLM's. */
final class ModelOptions {

    /** Where weights come from. */
    enum LoadFormat {
        auto,
        dummy
    }

    @Option(
            names = "--served-model-name",
            arity = "1..*",
            paramLabel = "NAME",
            description = "Names that requests may use for the model; answers give the first (default: the folder's"
                    + " name; of serve MODEL as it is given, as in vLLM, and that).")
    private List<String> servedModelNames = List.of();

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = Dtype.Converter.class,
            description =
                    "How weights are held: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, bfloat16); on the CPU"
                            + " arithmetic is in fp32, on a GPU what passes between operations is held so, too.")
    Dtype dtype = Dtype.auto;

    @Option(
            names = "--load-format",
            paramLabel = "FORMAT",
            description =
                    "Where weights come from: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}); dummy makes random"
                            + " ones of the model's shapes.")
    LoadFormat loadFormat = LoadFormat.auto;

    @Option(
            names = "--max-model-len",
            paramLabel = "TOKENS",
            converter = ModelLength.Converter.class,
            description =
                    "Most tokens of a sequence, prompt and answer; auto or -1: as many as the key-value cache holds"
                            + " (default: max_position_embeddings of config.json).")
    ModelLength maxModelLen = ModelLength.USUAL;

    @Option(
            names = "--generation-config",
            paramLabel = "SOURCE",
            description =
                    "Where default sampling parameters come from: auto (the model's folder), vllm (none but vLLM's"
                            + " own), or a folder with a generation_config.json (default: ${DEFAULT-VALUE}).")
    private String generationConfig = "auto";

    @Option(
            names = "--override-generation-config",
            paramLabel = "JSON",
            converter = SamplingValues.Converter.class,
            description = "Default sampling parameters that replace those, such as {\"temperature\": 0.5}.")
    private SamplingValues overrideGenerationConfig = SamplingValues.NONE;

    @Option(
            names = "--chat-template",
            paramLabel = "TEMPLATE",
            converter = ChatTemplateText.class,
            description = "Jinja template that replaces the model's: a file, or the template in a single line"
                    + " (default: the model's own).")
    String chatTemplate;

    @Option(
            names = "--max-logprobs",
            paramLabel = "N",
            converter = IntegerFrom.MinusOne.class,
            description = "Most log-probabilities that a request may ask for at a position; -1: the whole vocabulary"
                    + " (default: ${DEFAULT-VALUE}).")
    int maxLogprobs = 20;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Base of the seeds of requests that bring none (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--trust-remote-code",
            negatable = true,
            description = "Accepted as vLLM has it; checkpoints are data here, no code of theirs is ever run.")
    private boolean trustRemoteCode;

    /**
     * The names that requests may use.
     *
     * @param asGiven the model as the user named it; null: it is known by its folder's name alone
     */
    List<String> servedNames(Path model, String asGiven) {
        if (!servedModelNames.isEmpty()) {
            return List.copyOf(servedModelNames);
        }
        String folder = model.toAbsolutePath().normalize().getFileName().toString();
        return asGiven == null || asGiven.equals(folder) ? List.of(folder) : List.of(asGiven, folder);
    }

    SamplingDefaults samplingDefaults() {
        return new SamplingDefaults(generationConfig, overrideGenerationConfig.byName(), seed);
    }
}
