package dev.millrace.gpu.operations;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.checkpoint.Checkpoint;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.media.VideoSampling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The pictures and videos of one model's reference vectors (golden/README.md) and PyTorch's embeddings of them. */
final class GoldenMedia {

    private static final Path FOLDER = Path.of(System.getProperty("millrace.root"), "golden");

    /** The media of a prompt, pictures before videos as in the reference. */
    record Case(String name, MediaItem[] items, double[] embeddings) {}

    private final Path model;
    private final ModelConfig config;

    GoldenMedia(String variant) {
        model = FOLDER.resolve("model-" + variant);
        config = ModelConfigReader.read(model);
    }

    ModelConfig.VisionConfig config() {
        return config.vision();
    }

    WeightSource weights() {
        return Checkpoint.open(model, config.text().tieWordEmbeddings());
    }

    List<Case> cases() throws IOException {
        String name = model.getFileName().toString().replace("model", "cases");
        List<Case> cases = new ArrayList<>();
        try (SafetensorsFile tensors = SafetensorsFile.open(FOLDER.resolve(name + ".safetensors"))) {
            for (JsonNode json :
                    new ObjectMapper().readTree(FOLDER.resolve(name + ".json").toFile())) {
                MediaItem[] items = items(json);
                if (items.length > 0) {
                    String prompt = json.get("name").asText();
                    cases.add(new Case(prompt, items, embeddings(tensors, prompt)));
                }
            }
        }
        return cases;
    }

    private MediaItem[] items(JsonNode json) throws IOException {
        List<MediaItem> items = new ArrayList<>();
        for (JsonNode image : json.get("images")) {
            items.add(process(EncodedMedia.Kind.IMAGE, List.of(file(image))));
        }
        List<byte[]> frames = new ArrayList<>();
        for (JsonNode frame : json.get("video_frames")) {
            frames.add(file(frame));
        }
        if (!frames.isEmpty()) {
            items.add(process(EncodedMedia.Kind.FRAMES, frames));
        }
        return items.toArray(MediaItem[]::new);
    }

    private MediaItem process(EncodedMedia.Kind kind, List<byte[]> files) {
        return new MediaProcessor(PreprocessorConfig.read(model), VideoSampling.DEFAULT, MediaLimits.DEFAULT)
                .process(new EncodedMedia(kind, files, MediaOptions.DEFAULT), 1 << 20);
    }

    private static byte[] file(JsonNode name) throws IOException {
        return Files.readAllBytes(FOLDER.resolve(name.asText()));
    }

    private static double[] embeddings(SafetensorsFile tensors, String prompt) {
        double[] all = {};
        for (String kind : List.of(".image_embeds", ".video_embeds")) {
            if (tensors.contains(prompt + kind)) {
                Tensor tensor = tensors.tensor(prompt + kind);
                int start = all.length;
                all = Arrays.copyOf(all, start + (int) tensor.numElements());
                for (int i = start; i < all.length; i++) {
                    all[i] = tensor.data().getFloat((i - start) * Float.BYTES);
                }
            }
        }
        return all;
    }
}
