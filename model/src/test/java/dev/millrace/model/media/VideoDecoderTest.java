package dev.millrace.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VideoDecoderTest {

    private final VideoDecoder decoder = new VideoDecoder(MediaLimits.DEFAULT);

    /** Limited range of 16 + 10n, as make_videos.sh draws it. */
    private static int grey(int frame) {
        return (int) Math.min(255, Math.round((16 + 10 * frame - 16) * 255 / 219.0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"h264.mp4", "hevc.mp4", "vp9.webm", "vp8.webm", "faststart.mp4"})
    void framesComeInTheOrderTheyAreShown(String name) {
        byte[] file = MediaFixtures.file(name);
        var info = decoder.info(file);
        assertThat(info.frames()).isEqualTo(20);
        assertThat(info.rate()).isEqualTo(10);
        assertThat(info.upright()).isEqualTo(new SmartResize.Size(48, 64));
        int[] indices = {0, 3, 7, 12, 19};
        List<RgbImage> frames = new ArrayList<>();
        assertThat(decoder.decode(file, info, indices, frames::add)).isEqualTo(20);
        assertThat(frames).hasSize(indices.length);
        for (int i = 0; i < indices.length; i++) {
            RgbImage frame = frames.get(i);
            assertThat(new int[] {frame.width(), frame.height()}).containsExactly(64, 48);
            for (byte value : frame.rgb()) {
                assertThat(value & 0xff)
                        .as("frame %d", indices[i])
                        .isBetween(grey(indices[i]) - 5, grey(indices[i]) + 5);
            }
        }
    }

    @Test
    void aTurnedVideoIsShownAsFfmpegShowsIt() {
        byte[] file = MediaFixtures.file("turned.mp4");
        var info = decoder.info(file);
        assertThat(info.upright()).isEqualTo(new SmartResize.Size(64, 48));
        decoder.decode(file, info, new int[] {0}, frame -> {
            assertThat(frame.width()).isEqualTo(48);
            int line = 3 * 48 * 30;
            assertThat(frame.rgb()[line + 3 * 2] & 0xff).as("left").isLessThan(60);
            assertThat(frame.rgb()[line + 3 * 45] & 0xff).as("right").isGreaterThan(190);
        });
    }

    @ParameterizedTest(name = "{0} to {1} of its bytes")
    @CsvSource({"h264.mp4,0.5", "h264.mp4,0.99", "faststart.mp4,0.8", "hevc.mp4,0.3", "vp9.webm,0.5", "vp9.webm,0.99"})
    void aVideoThatIsCutOffIsAnError(String name, double share) {
        byte[] file = MediaFixtures.file(name);
        byte[] cut = Arrays.copyOf(file, (int) (share * file.length));
        assertThatThrownBy(() -> decoder.info(cut))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("cut off");
    }

    @Test
    void aFileIsKnownByItsContent() {
        byte[] text = "#EXTM3U\nfile:///etc/passwd\n".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> decoder.info(text))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("cannot identify video file: found text (\"#EXTM3U file:///etc/pass…\"); read are "
                        + FileFormat.VIDEOS);
        assertThatThrownBy(() -> decoder.info(MediaFixtures.file("rgb.bmp")))
                .hasMessageContaining("found a BMP picture");
    }

    @Test
    void limitsHoldBeforeDecoding() {
        byte[] file = MediaFixtures.file("h264.mp4");
        assertRefused(
                new MediaLimits(1 << 20, 1 << 20, 1, 1000, 100, 100, 1), file, "64x48 pixels", "1000 pixels allowed");
        assertRefused(new MediaLimits(1 << 20, 1 << 20, 1, 10000, 19, 100, 1), file, "20 frames", "19 allowed");
        assertRefused(new MediaLimits(1 << 20, 1 << 20, 1, 10000, 20, 1, 1), file, "2.0 seconds", "1.0 allowed");
        assertRefused(new MediaLimits(1 << 20, 1000, 1, 10000, 20, 2, 1), file, "bytes", "1000 allowed");
    }

    private static void assertRefused(MediaLimits limits, byte[] file, String... words) {
        assertThatThrownBy(() -> new VideoDecoder(limits).info(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll(words);
    }

    @Test
    void anInterruptedThreadStopsReading() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> decoder.info(MediaFixtures.file("h264.mp4")))
                .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).as("the flag is still set").isTrue();
    }

    @Test
    void damageAnywhereIsAnAnswerOrAnError() {
        var random = new Random(3);
        for (String name : List.of("h264.mp4", "hevc.mp4", "vp9.webm", "vp8.webm")) {
            for (int n = 0; n < 40; n++) {
                byte[] file = MediaFixtures.file(name);
                for (int k = 0; k < 4; k++) {
                    file[random.nextInt(file.length)] = (byte) random.nextInt();
                }
                try {
                    var info = decoder.info(file);
                    int[] all = IntStream.range(0, info.frames()).toArray();
                    assertThat(decoder.decode(file, info, all, frame -> {})).isPositive();
                } catch (InvalidInputException e) {
                    assertThat(e).hasMessageNotContaining("null");
                }
            }
        }
    }
}
