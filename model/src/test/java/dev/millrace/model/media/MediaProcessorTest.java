package dev.millrace.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.media.EncodedMedia.Kind;
import dev.millrace.model.media.MediaSource.MediaOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MediaProcessorTest {

    private static final int FRAME = 3 * 14 * 14;

    private final MediaProcessor processor =
            new MediaProcessor(PreprocessorConfig.QWEN25_VL, VideoSampling.DEFAULT, MediaLimits.DEFAULT);

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void pixelValuesAreTheReferencesBitForBit(String variant) {
        for (var row : MediaFixtures.goldenJson("pixel_values-" + variant + ".json")) {
            String image = row.get("image").asText();
            String name = image.substring(image.indexOf('/') + 1, image.lastIndexOf('.'));
            float[] expected = MediaFixtures.floats("pixel_values-" + variant + ".safetensors", name);
            MediaItem item = processor.process(MediaFixtures.image(MediaFixtures.goldenFile(image)), 1000);
            assertThat(new int[] {item.gridT(), item.gridH(), item.gridW()})
                    .containsExactly(
                            row.get("grid_thw").get(0).asInt(),
                            row.get("grid_thw").get(1).asInt(),
                            row.get("grid_thw").get(2).asInt());
            assertThat(item.patches()).as(name).isEqualTo(expected);
        }
    }

    private static EncodedMedia frames(Double fps, int... frames) {
        var files = IntStream.of(frames)
                .mapToObj(i -> MediaFixtures.goldenFile("images/av" + i + ".png"))
                .toList();
        return new EncodedMedia(Kind.FRAMES, files, new MediaOptions(fps, null, null, null));
    }

    @Test
    void twoFramesOfAVideoShareAPatch() {
        MediaItem video = processor.process(frames(null, 0, 1, 2, 3), 1000);
        assertThat(new int[] {video.gridT(), video.gridH(), video.gridW()}).containsExactly(2, 8, 6);
        assertThat(video.secondsPerGrid()).isEqualTo(1);
        assertThat(video.numTokens()).isEqualTo(24);
        for (int frame = 0; frame < 4; frame++) {
            MediaItem picture = processor.process(
                    MediaFixtures.image(MediaFixtures.goldenFile("images/av" + frame + ".png")), 1000);
            for (int patch = 0; patch < 48; patch++) {
                for (int c = 0; c < 3; c++) {
                    int of = (frame / 2 * 48 + patch) * 2 * FRAME + (2 * c + frame % 2) * 196;
                    int at = patch * 2 * FRAME + 2 * c * 196;
                    assertThat(Arrays.copyOfRange(video.patches(), of, of + 196))
                            .isEqualTo(Arrays.copyOfRange(picture.patches(), at, at + 196));
                }
            }
        }
    }

    @Test
    void framesOfSeveralSizesAreRefused() {
        var files = Stream.of("av0", "a0-84x56")
                .map(name -> MediaFixtures.goldenFile("images/" + name + ".png"))
                .toList();
        assertThatThrownBy(() -> processor.process(new EncodedMedia(Kind.FRAMES, files, MediaOptions.DEFAULT), 1000))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("frame 1 of a video has 84x56 pixels and frame 0 84x112; all must be of one size");
    }

    @Test
    void theLastFrameOfAnOddNumberIsRepeated() {
        MediaItem odd = processor.process(frames(null, 0, 1, 2), 1000);
        assertThat(odd.patches())
                .isEqualTo(processor.process(frames(null, 0, 1, 2, 2), 1000).patches());
    }

    @Test
    void keysTellApartWhatTheModelTellsApart() {
        MediaKey key = processor.process(frames(1.0, 0, 1), 1000).key();
        assertThat(processor.process(frames(1.0, 0, 1), 1000).key()).isEqualTo(key);
        assertThat(processor.process(frames(2.0, 0, 1), 1000).key()).as("rate").isNotEqualTo(key);
        assertThat(processor.process(frames(1.0, 1, 0), 1000).key()).as("order").isNotEqualTo(key);
        MediaKey still = processor.process(frames(1.0, 0, 0), 1000).key();
        var picture = MediaFixtures.image(MediaFixtures.goldenFile("images/av0.png"));
        assertThat(processor.process(picture, 1000).key()).as("kind").isNotEqualTo(still);
    }

    @ParameterizedTest
    @ValueSource(strings = {"h264.mp4", "vp9.webm"})
    void aVideoFileIsSampledAtTwoFramesASecond(String name) {
        var options = new MediaOptions(null, null, 1, null);
        MediaItem video =
                processor.process(new EncodedMedia(Kind.VIDEO, List.of(MediaFixtures.file(name)), options), 1000);
        assertThat(new int[] {video.gridT(), video.gridH(), video.gridW()}).containsExactly(2, 4, 4);
        assertThat(video.secondsPerGrid()).as("4 frames in 2 seconds").isEqualTo(1);
    }

    @Test
    void aNumberOfFramesGivesTheRate() {
        var options = new MediaOptions(null, 10, null, null);
        MediaItem video =
                processor.process(new EncodedMedia(Kind.VIDEO, List.of(MediaFixtures.file("vp8.webm")), options), 1000);
        assertThat(video.gridT()).isEqualTo(5);
        assertThat(video.secondsPerGrid()).isEqualTo(0.4);
    }

    @Test
    void pixelBoundsOfARequestHold() {
        var file = MediaFixtures.goldenFile("images/a2-308x252.png");
        var small = new EncodedMedia(Kind.IMAGE, List.of(file), new MediaOptions(null, null, null, 20_000));
        MediaItem item = processor.process(small, 1000);
        assertThat(item.gridH() * item.gridW() * 196).isBetween(15_000, 20_000);
    }

    @Test
    void whatDoesNotFitTheContextIsRefusedBeforeItIsDecoded() {
        byte[] half = Arrays.copyOf(MediaFixtures.goldenFile("images/a2-308x252.png"), 200);
        assertThatThrownBy(() -> processor.process(MediaFixtures.image(half), 98))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("takes 99 tokens")
                .hasMessageContaining("room for 98");
    }

    @Test
    void optionsOutOfBoundsAreNamed() {
        assertRefused(new MediaOptions(Double.NaN, null, null, null), "fps must be above 0 and at most 1000, got NaN");
        assertRefused(new MediaOptions(null, 0, null, null), "num_frames must be at least 1, or -1 for all, got 0");
        assertRefused(new MediaOptions(null, -2, null, null), "num_frames must be at least 1, or -1 for all, got -2");
        assertRefused(new MediaOptions(null, null, -1, null), "min_pixels must be at least 1, got -1");
        assertRefused(new MediaOptions(null, null, 9, 8), "min_pixels must be at most max_pixels, 8, got 9");
        assertRefused(new MediaOptions(null, null, Integer.MAX_VALUE, null), "room for 1000");
    }

    private void assertRefused(MediaOptions options, String message) {
        var file = MediaFixtures.goldenFile("images/a2-308x252.png");
        assertThatThrownBy(() -> processor.process(new EncodedMedia(Kind.IMAGE, List.of(file), options), 1000))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
    }

    private static MediaProcessor withDecodingBytes(long bytes) {
        var limits = new MediaLimits(1 << 20, 1 << 20, 1 << 20, 1 << 20, 100, 100, bytes);
        return new MediaProcessor(PreprocessorConfig.QWEN25_VL, VideoSampling.DEFAULT, limits);
    }

    @Test
    void whatWouldNotFitTheMemoryIsRefused() {
        var picture = MediaFixtures.image(MediaFixtures.goldenFile("images/a2-308x252.png"));
        assertThatThrownBy(() -> withDecodingBytes(308 * 252 * 12).process(picture, 1000))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("decoding 308x252 pixels takes up to 910 KiB, more than the 909 KiB");
    }

    @Test
    void memoryComesBackAfterFailures() {
        MediaProcessor tight = withDecodingBytes(308 * 252 * 12 + 1024);
        byte[] file = MediaFixtures.goldenFile("images/a2-308x252.png");
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> tight.process(MediaFixtures.image(Arrays.copyOf(file, 1000)), 1000))
                    .hasMessageContaining("cut off");
        }
        assertThat(tight.process(MediaFixtures.image(file), 1000).numTokens()).isEqualTo(99);
    }

    @Test
    void severalThreadsDoNotDisturbEachOther() throws Exception {
        List<EncodedMedia> media = Stream.of("h264.mp4", "vp9.webm", "lossy.webp", "subsampled.jpg", "first.gif")
                .map(name -> new EncodedMedia(
                        name.endsWith("4") || name.endsWith("m") ? Kind.VIDEO : Kind.IMAGE,
                        List.of(MediaFixtures.file(name)),
                        MediaOptions.DEFAULT))
                .toList();
        List<MediaKey> alone =
                media.stream().map(item -> processor.process(item, 1000).key()).toList();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            var together = new ArrayList<Future<MediaKey>>();
            for (int i = 0; i < 60; i++) {
                EncodedMedia item = media.get(i % media.size());
                together.add(threads.submit(() -> processor.process(item, 1000).key()));
            }
            for (int i = 0; i < together.size(); i++) {
                assertThat(together.get(i).get()).isEqualTo(alone.get(i % media.size()));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void framesOfDifferentSizesAreRefused() {
        var files =
                List.of(MediaFixtures.goldenFile("images/av0.png"), MediaFixtures.goldenFile("images/a2-308x252.png"));
        assertThatThrownBy(() -> processor.process(new EncodedMedia(Kind.FRAMES, files, MediaOptions.DEFAULT), 1000))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("one size");
    }
}
