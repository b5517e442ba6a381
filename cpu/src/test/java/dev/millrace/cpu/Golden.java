package dev.millrace.cpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.media.VideoSampling;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The reference vectors of one model (golden/README.md). */
final class Golden implements AutoCloseable {

    static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final Path FOLDER = ROOT.resolve("golden");

    /** One prompt and what the reference made of it. */
    record Case(String name, PreparedPrompt prompt, int[] greedyTokens, double[] greedyMargin) {
        @Override
        public String toString() {
            return name;
        }
    }

    final Path model;
    final ModelConfig config;
    private final SafetensorsFile tensors;
    private final JsonNode cases;
    private final MediaProcessor media;

    Golden(String variant) {
        model = FOLDER.resolve("model-" + variant);
        config = ModelConfigReader.read(model);
        tensors = SafetensorsFile.open(FOLDER.resolve("cases-" + variant + ".safetensors"));
        try {
            cases = new ObjectMapper()
                    .readTree(FOLDER.resolve("cases-" + variant + ".json").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        media = new MediaProcessor(PreprocessorConfig.read(model), VideoSampling.DEFAULT, MediaLimits.DEFAULT);
    }

    List<Case> cases() {
        List<Case> all = new ArrayList<>();
        cases.forEach(json -> all.add(read(json)));
        return all;
    }

    Case named(String name) {
        for (JsonNode json : cases) {
            if (json.get("name").asText().equals(name)) {
                return read(json);
            }
        }
        throw new IllegalArgumentException("no case " + name);
    }

    /** A tensor's values, or null where the case has none. */
    float[] tensor(String name) {
        if (!tensors.contains(name)) {
            return null;
        }
        Tensor tensor = tensors.tensor(name);
        float[] values = new float[(int) tensor.numElements()];
        tensor.data().asFloatBuffer().get(values);
        return values;
    }

    @Override
    public void close() {
        tensors.close();
    }

    private Case read(JsonNode json) {
        int[] ids = ints(json.get("input_ids"));
        List<MediaItem> items = new ArrayList<>();
        for (JsonNode image : json.get("images")) {
            EncodedMedia encoded =
                    new EncodedMedia(EncodedMedia.Kind.IMAGE, List.of(file(image)), MediaOptions.DEFAULT);
            items.add(media.process(encoded, 1 << 20));
        }
        if (!json.get("video_frames").isEmpty()) {
            List<byte[]> frames = new ArrayList<>();
            json.get("video_frames").forEach(frame -> frames.add(file(frame)));
            MediaItem video =
                    media.process(new EncodedMedia(EncodedMedia.Kind.FRAMES, frames, MediaOptions.DEFAULT), 1 << 20);
            double seconds = json.get("second_per_grid_ts").get(0).asDouble();
            items.add(new MediaItem(
                    video.key(), true, video.gridT(), video.gridH(), video.gridW(), seconds, video.patches()));
        }
        List<MediaSpan> spans = new ArrayList<>();
        int from = 0;
        for (MediaItem item : items) {
            int pad = item.video()
                    ? config.vision().videoTokenId()
                    : config.vision().imageTokenId();
            while (ids[from] != pad) {
                from++;
            }
            spans.add(new MediaSpan(from, item));
            from += item.numTokens();
        }
        MropePositions positions =
                MropePositions.of(ids.length, spans, config.vision().tokensPerSecond());
        double[] margin = IntStream.range(0, json.get("greedy_margin").size())
                .mapToDouble(i -> json.get("greedy_margin").get(i).asDouble())
                .toArray();
        return new Case(
                json.get("name").asText(),
                new PreparedPrompt(ids, spans, positions),
                ints(json.get("greedy_tokens")),
                margin);
    }

    private static byte[] file(JsonNode name) {
        try {
            return Files.readAllBytes(FOLDER.resolve(name.asText()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int[] ints(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }
}
