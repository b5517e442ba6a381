package dev.millrace.bench.serve;

import dev.millrace.bench.figures.Count;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is asked of the server. */
final class DatasetOptions {

    @Option(
            names = "--dataset-name",
            paramLabel = "NAME",
            converter = DatasetName.Converter.class,
            description =
                    "random: texts of random tokens; random-mm: pictures with them; custom: a file (default: ${DEFAULT-VALUE}).")
    DatasetName name = DatasetName.RANDOM;

    @Option(names = "--dataset-path", paramLabel = "FILE", description = "custom: a JSON object a line with prompt.")
    Path path;

    @Option(
            names = "--num-prompts",
            paramLabel = "N",
            converter = Count.class,
            description = "Requests to send (default: ${DEFAULT-VALUE}).")
    int numPrompts = 1000;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of all that is random (default: ${DEFAULT-VALUE}).")
    long seed;

    @Option(names = "--disable-shuffle", description = "custom: keeps the file's order.")
    boolean disableShuffle;

    @Option(names = "--no-oversample", description = "custom: sends no line twice where the file has too few.")
    boolean noOversample;

    @Option(names = "--skip-chat-template", description = "custom: sends the text as it is to /v1/completions.")
    boolean skipChatTemplate;

    @Option(
            names = "--custom-output-len",
            paramLabel = "TOKENS",
            description =
                    "custom: tokens to generate at most; -1 for each line's output_tokens (default: ${DEFAULT-VALUE}).")
    int customOutputLen = 256;

    @Option(
            names = "--output-len",
            paramLabel = "TOKENS",
            converter = Count.class,
            description = "Tokens to generate, whatever the data set.")
    Integer outputLen;

    @Option(
            names = "--reference-result",
            paramLabel = "FILE",
            description =
                    "A result of --save-detailed for the same requests; an answer with another text counts as failed.")
    Path referenceResult;

    @Option(names = "--request-id-prefix", paramLabel = "TEXT", description = "What ids begin with (default: random).")
    String idPrefix;

    @Mixin
    RandomOptions random;
}
