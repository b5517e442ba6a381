package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.millrace.bench.serve.RandomText.Text;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** {@code random} and {@code random-mm}: texts of random tokens, and random pictures. */
final class RandomDataset implements Dataset {

    private final RandomText texts;
    private final RandomMedia media;
    private final RandomOptions options;
    private final RandomGenerator random;

    /** @param media null where there is none */
    RandomDataset(RandomText texts, RandomMedia media, RandomOptions options, RandomGenerator random) {
        if (options.prefixLen + options.rangeRatio.least(options.inputLen) < 1) {
            throw new InvalidInputException(
                    "--random-input-len %d with --random-range-ratio %s and --random-prefix-len %d may give prompts without a token; raise the first or lower the second"
                            .formatted(options.inputLen, options.rangeRatio, options.prefixLen),
                    "--random-input-len");
        }
        this.texts = texts;
        this.media = media;
        this.options = options;
        this.random = random;
    }

    @Override
    public List<LoadRequest> requests(int count, String idPrefix) throws IOException {
        int[] prefix = texts.tokens(options.prefixLen);
        List<LoadRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Text text = texts.text(prefix, options.rangeRatio.draw(options.inputLen, random));
            List<JsonNode> parts = media == null ? List.of() : media.parts();
            int outputLen = Math.max(1, options.rangeRatio.draw(options.outputLen, random));
            requests.add(new LoadRequest(
                    idPrefix + i, TextNode.valueOf(text.text()), parts, text.length(), outputLen, null));
        }
        return requests;
    }
}
