package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What an earlier run got for the same requests, as {@code --save-detailed} wrote it. */
final class ReferenceResult {

    private ReferenceResult() {}

    /**
     * The requests with the only right answer of each.
     *
     * @throws InvalidInputException if the file holds other than one text for each
     */
    static List<LoadRequest> expect(Path file, List<LoadRequest> requests) throws IOException {
        JsonNode texts = new ObjectMapper().readTree(file.toFile()).path("generated_texts");
        if (texts.size() != requests.size()) {
            throw new InvalidInputException(
                    "--reference-result %s holds %d generated_texts for %d requests; expected is a result of --save-detailed with the same flags"
                            .formatted(file, texts.size(), requests.size()),
                    "--reference-result");
        }
        List<LoadRequest> expecting = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
            expecting.add(requests.get(i).withAnswer(texts.path(i).asText()));
        }
        return expecting;
    }
}
