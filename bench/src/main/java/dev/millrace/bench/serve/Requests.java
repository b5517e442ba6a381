package dev.millrace.bench.serve;

import dev.millrace.bench.serve.ServerAddress.ServedModel;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** Makes the load's requests by the options, with the model's tokenizer where one is needed. */
final class Requests {

    private final Backend backend;
    private final DatasetOptions options;
    private final ModelDirectory folder;
    private final DjlTokenizer tokenizer;

    /** @param tokenizer folder of one, or null: then the model's, if its name is that of a folder */
    Requests(Backend backend, DatasetOptions options, ServedModel model, String tokenizer) {
        this.backend = backend;
        this.options = options;
        Path path = Path.of(tokenizer == null ? model.root() : tokenizer);
        boolean known = tokenizer != null || Files.exists(path.resolve("tokenizer.json"));
        this.folder = known ? new ModelDirectory(path) : null;
        this.tokenizer = known ? folder.tokenizer() : null;
    }

    List<LoadRequest> draw() throws IOException {
        if (options.outputLen != null) {
            options.random.outputLen = options.outputLen;
            options.customOutputLen = options.outputLen;
        }
        String prefix = options.idPrefix != null
                ? options.idPrefix
                : "bench-%s-".formatted(UUID.randomUUID().toString().substring(0, 8));
        List<LoadRequest> requests = dataset().requests(options.numPrompts, prefix);
        return options.referenceResult == null ? requests : ReferenceResult.expect(options.referenceResult, requests);
    }

    /** The answers with their tokens counted, where the server did not: by the tokenizer, else by the chunks. */
    List<Outcome> counted(List<Outcome> outcomes) {
        return outcomes.stream()
                .map(outcome -> outcome.success() && outcome.outputTokens() == 0
                        ? outcome.withOutputTokens(count(outcome))
                        : outcome)
                .toList();
    }

    private int count(Outcome outcome) {
        return tokenizer == null
                ? outcome.interTokenLatencies().length + 1
                : tokenizer.encodeText(outcome.text()).length;
    }

    private Dataset dataset() {
        if (options.name != DatasetName.CUSTOM && options.path != null) {
            throw new InvalidInputException(
                    "--dataset-path is %s; --dataset-name %s reads no file, custom does"
                            .formatted(options.path, options.name),
                    "--dataset-path");
        }
        var random = new Random(options.seed);
        return switch (options.name) {
            case RANDOM -> new RandomDataset(texts(random), null, options.random, random);
            case RANDOM_MM -> new RandomDataset(texts(random), media(random), options.random, random);
            case CUSTOM -> new CustomDataset(options, backend.isChat(), promptText(), random);
        };
    }

    private RandomText texts(Random random) {
        requireTokenizer("--dataset-name " + options.name);
        return new RandomText(tokenizer, random);
    }

    private RandomMedia media(Random random) {
        if (!backend.isChat()) {
            throw new InvalidInputException(
                    "--backend is %s; random-mm takes openai-chat, as only chats have pictures".formatted(backend),
                    "--backend");
        }
        return new RandomMedia(options.random, random);
    }

    private PromptText promptText() {
        if (backend.isChat() || options.skipChatTemplate) {
            return PromptText.plain(tokenizer);
        }
        requireTokenizer("the chat template (else give --skip-chat-template)");
        return PromptText.templated(folder, tokenizer);
    }

    private void requireTokenizer(String purpose) {
        if (tokenizer == null) {
            throw new InvalidInputException(
                    "%s takes the model's tokenizer; name its folder with --tokenizer".formatted(purpose),
                    "--tokenizer");
        }
    }
}
