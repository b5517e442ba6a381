package dev.millrace.gpu.operations;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.checkpoint.Checkpoint;
import dev.millrace.model.checkpoint.RandomWeights;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole tower on a device, against PyTorch's embeddings and the CPU's. */
@Tag("device")
class GpuVisionOperationsTest {

    /** As golden/README.md asks of fp32. */
    private static final double EMBEDDINGS = 1e-4;

    /** Each store rounds by up to 2^-8, a few tenths of a percent in the mean; some ten on the way add up as squares do. */
    private static final double BFLOAT16 = 0.012;

    private static final int MOST_PATCHES = 640;

    /** The released towers' head size; widths that need padding; windows of 64 patches and whole frames. */
    private static final VisionConfig HEADS_OF_80 =
            new VisionConfig(3, 160, 100, 2, 96, 14, 2, 2, 112, new int[] {1}, 2, 1, 2, 3, 4);

    private static MediaItem item(long seed, int t, int h, int w, VisionConfig config) {
        float[] patches = new Randoms(seed).normal(t * h * w * config.patchLength());
        return new MediaItem(new MediaKey(seed, 0), t > 1, t, h, w, t > 1 ? 1 : 0, patches);
    }

    private static MediaItem[] items(VisionConfig config) {
        return new MediaItem[] {
            item(1, 1, 2, 2, config), item(2, 1, 12, 18, config), item(3, 3, 4, 10, config), item(4, 1, 2, 30, config)
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void goldenEmbeddingsAreMetInSinglePrecision(String variant) throws IOException {
        GoldenMedia golden = new GoldenMedia(variant);
        try (Tower tower = new Tower(golden.config(), Type.F32, golden.weights(), MOST_PATCHES)) {
            assertThat(golden.cases()).hasSizeGreaterThan(8);
            for (GoldenMedia.Case c : golden.cases()) {
                assertClose(c.name(), tower.encode(c.items()), c.embeddings(), EMBEDDINGS, 0);
            }
        }
    }

    @Test
    void theDemonstrationModelSeesWhatItSeesOnTheCpu() {
        Path folder = Path.of(System.getProperty("millrace.root"), "models", "demo-vl");
        ModelConfig config = ModelConfigReader.read(folder);
        MediaItem[] items = items(config.vision());
        Supplier<WeightSource> weights =
                () -> Checkpoint.open(folder, config.text().tieWordEmbeddings());
        try (Tower tower = new Tower(config.vision(), Type.F32, weights.get(), MOST_PATCHES)) {
            double[] expected = CpuTower.encode(config.vision(), weights.get(), items);
            assertClose("together", tower.encode(items), expected, EMBEDDINGS, EMBEDDINGS);
            assertClose("one by one", tower.encodeOneByOne(items), expected, EMBEDDINGS, EMBEDDINGS);
        }
    }

    @Test
    void headsOfTheReleasedTowersAgreeWithTheCpu() {
        MediaItem[] items = items(HEADS_OF_80);
        try (Tower exact = new Tower(HEADS_OF_80, Type.F32, new RandomWeights(7), MOST_PATCHES);
                Tower fast = new Tower(HEADS_OF_80, Type.BF16, new RandomWeights(7), MOST_PATCHES)) {
            double[] expected = CpuTower.encode(HEADS_OF_80, new RandomWeights(7), items);
            assertClose("fp32", exact.encode(items), expected, EMBEDDINGS, EMBEDDINGS);
            // every store of the residual stream and of what goes into a product rounds by up to 2^-8, 2^-9.8 in the
            // mean
            assertThat(relativeError(fast.encode(items), expected)).isLessThan(0.01);
        }
    }

    @Test
    void theDemonstrationModelSeesAlmostTheSameInBfloat16() {
        Path folder = Path.of(System.getProperty("millrace.root"), "models", "demo-vl");
        ModelConfig config = ModelConfigReader.read(folder);
        Supplier<WeightSource> weights =
                () -> Checkpoint.open(folder, config.text().tieWordEmbeddings());
        MediaItem[] items = items(config.vision());
        try (Tower tower = new Tower(config.vision(), Type.BF16, weights.get(), MOST_PATCHES)) {
            double[] expected = CpuTower.encode(config.vision(), weights.get(), items);
            assertThat(relativeError(tower.encode(items), expected)).isLessThan(BFLOAT16);
        }
    }

    /** RMS of the error over RMS of what is expected. */
    private static double relativeError(float[] actual, double[] expected) {
        assertThat(actual).hasSameSizeAs(new float[expected.length]);
        double error = 0;
        double size = 0;
        for (int i = 0; i < actual.length; i++) {
            error += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            size += expected[i] * expected[i];
        }
        return Math.sqrt(error / size);
    }

    @Test
    void whatWentThroughBeforeLeavesNoTrace() {
        try (Tower tower = new Tower(HEADS_OF_80, Type.BF16, new RandomWeights(7), MOST_PATCHES)) {
            MediaItem[] items = items(HEADS_OF_80);
            float[] first = tower.encode(items[2]);
            float[] poison = new float[640 * HEADS_OF_80.patchLength()];
            Arrays.fill(poison, Float.NaN);
            tower.encode(new MediaItem(new MediaKey(5, 0), false, 1, 20, 32, 0, poison));
            assertThat(tower.encode(items[2])).isEqualTo(first);
        }
    }

    /** 24 frames and 6 heads of 64 patches are 576 blocks of the kernel for every shape, more than an H200 does at a time. */
    @Test
    void inPiecesItIsTheSameToTheBit() {
        VisionConfig config = new VisionConfig(1, 24, 16, 6, 8, 2, 2, 2, 16, new int[] {0}, 2, 1, 2, 3, 4);
        try (Tower tower = new Tower(config, Type.F32, new RandomWeights(7), 1536)) {
            MediaItem video = item(6, 24, 8, 8, config);
            assertThat(tower.encodeInPieces(video)).isEqualTo(tower.encode(video));
        }
    }

    @Test
    void moreThanThereIsRoomForIsRefused() {
        try (Tower tower = new Tower(HEADS_OF_80, Type.BF16, new RandomWeights(7), 8)) {
            assertThatThrownBy(() -> tower.encode(item(1, 1, 2, 2, HEADS_OF_80), item(2, 1, 2, 4, HEADS_OF_80)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("2 items of 12 patches are more than the 8 there is room for");
        }
    }
}
