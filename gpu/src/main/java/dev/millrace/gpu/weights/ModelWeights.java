package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.checkpoint.Checkpoint;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig;
import java.nio.file.Path;

/**
 * All of a model's weights.
 *
 * @param vision null for a text model
 */
public record ModelWeights(TextWeights text, VisionWeights vision) {

    /**
     * Loads a rank's share of the decoder and all of the tower, and waits.
     *
     * @param type how matrices are kept
     * @param loadFormat {@code auto} reads the checkpoint, {@code dummy} makes random ones
     */
    public static ModelWeights load(
            Device device, Type type, Path folder, ModelConfig config, Share share, String loadFormat) {
        switch (loadFormat) {
            case "auto":
                boolean tied = config.text().tieWordEmbeddings();
                try (WeightSource checkpoint = Checkpoint.open(folder, tied);
                        WeightFeed feed = new StreamedFeed(device, checkpoint)) {
                    return load(device, type, config, share, feed);
                }
            case "dummy":
                try (WeightFeed feed = new RandomFeed(device)) {
                    return load(device, type, config, share, feed);
                }
            default:
                throw new IllegalArgumentException(
                        "load format " + loadFormat + " is not supported; allowed are auto, dummy");
        }
    }

    private static ModelWeights load(Device device, Type type, ModelConfig config, Share share, WeightFeed feed) {
        try (WeightLoader loader = new WeightLoader(device, type, feed)) {
            ModelWeights weights = new ModelWeights(
                    TextWeights.load(loader, config.text(), share),
                    config.hasVision() ? VisionWeights.load(loader, config.vision()) : null);
            loader.finish();
            return weights;
        }
    }
}
