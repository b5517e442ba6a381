package dev.millrace.bench.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * {@code custom}: a line of JSON for each request. {@code prompt} is a text; for a chat it may also be a list of messages or of
 * content parts. {@code output_tokens} counts where {@code --custom-output-len} is −1.
 */
final class CustomDataset implements Dataset {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final DatasetOptions options;
    private final boolean chat;
    private final PromptText text;
    private final Random random;

    /**
     * @param chat whether a prompt may be more than a text
     * @param text how texts are written out
     */
    CustomDataset(DatasetOptions options, boolean chat, PromptText text, Random random) {
        if (options.path == null) {
            throw new InvalidInputException(
                    "--dataset-name custom takes a file of JSON lines; name it with --dataset-path", "--dataset-path");
        }
        this.options = options;
        this.chat = chat;
        this.text = text;
        this.random = random;
    }

    @Override
    public List<LoadRequest> requests(int count, String idPrefix) throws IOException {
        List<LoadRequest> read = read(options.path);
        if (!options.disableShuffle) {
            Collections.shuffle(read, random);
        }
        List<LoadRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (i >= read.size() && options.noOversample) {
                break;
            }
            requests.add(
                    read.get(i < read.size() ? i : random.nextInt(read.size())).withId(idPrefix + i));
        }
        return requests;
    }

    private List<LoadRequest> read(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        List<LoadRequest> requests = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                requests.add(request(lines.get(i), file + ", line " + (i + 1)));
            }
        }
        if (requests.isEmpty()) {
            throw new InvalidInputException(
                    file + " holds no prompt; expected is a JSON object a line", "--dataset-path");
        }
        return requests;
    }

    private LoadRequest request(String line, String place) {
        JsonNode json = parse(line, place);
        JsonNode prompt = json.path("prompt");
        if (!prompt.isTextual() && !(chat && isListOfObjects(prompt))) {
            throw refusal(
                    place,
                    "prompt is %s; a text is allowed%s"
                            .formatted(
                                    prompt.isMissingNode() ? "missing" : prompt,
                                    chat ? ", or a list of messages or content parts" : ""));
        }
        PromptText.Written written =
                prompt.isTextual() ? text.write(prompt.asText()) : new PromptText.Written(prompt, 0);
        return new LoadRequest("", written.prompt(), List.of(), written.length(), outputLen(json, place), null);
    }

    private int outputLen(JsonNode json, String place) {
        if (options.customOutputLen > 0) {
            return options.customOutputLen;
        }
        JsonNode tokens = json.path("output_tokens");
        if (!tokens.canConvertToInt() || tokens.intValue() < 1) {
            throw refusal(
                    place,
                    "output_tokens is %s; with --custom-output-len -1 it is a whole number from 1"
                            .formatted(tokens.isMissingNode() ? "missing" : tokens));
        }
        return tokens.intValue();
    }

    private static JsonNode parse(String line, String place) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw refusal(place, "not JSON: " + e.getOriginalMessage());
        }
    }

    private static boolean isListOfObjects(JsonNode prompt) {
        if (!prompt.isArray() || prompt.isEmpty()) {
            return false;
        }
        for (JsonNode each : prompt) {
            if (!each.isObject()) {
                return false;
            }
        }
        return true;
    }

    private static InvalidInputException refusal(String place, String what) {
        return new InvalidInputException(place + ": " + what, "--dataset-path");
    }
}
