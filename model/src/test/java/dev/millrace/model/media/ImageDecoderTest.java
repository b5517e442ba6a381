package dev.millrace.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageDecoderTest {

    private final ImageDecoder decoder = new ImageDecoder(MediaLimits.DEFAULT);

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "exif-1.jpg,0.5,4",
        "exif-2.jpg,0.5,4",
        "exif-3.jpg,0.5,4",
        "exif-4.jpg,0.5,4",
        "exif-5.jpg,0.5,4",
        "exif-6.jpg,0.5,4",
        "exif-7.jpg,0.5,4",
        "exif-8.jpg,0.5,4",
        "exif-6.png,0,0",
        "exif-6.webp,0,0",
        "subsampled.jpg,0.5,4",
        "progressive.jpg,0.5,4",
        "grey.jpg,0.5,4",
        "cmyk.jpg,0.5,4",
        "profile.jpg,0.5,4",
        "rgba.png,0,0",
        "grey-alpha.png,0,0",
        "palette.png,0,0",
        "palette-4.png,0,0",
        "palette-alpha.png,0,0",
        "one-bit.png,0,0",
        "grey.png,0,0",
        "rgb-16.png,0,0",
        "grey-16.png,0,0",
        "lossy.webp,0,0",
        "lossy-odd.webp,0,0",
        "lossy-alpha.webp,0,0",
        "moving.webp,0,0",
        "lossless.webp,0,0",
        "alpha.webp,0,0",
        "first.gif,0,0",
        "rgb.bmp,0,0",
        "palette.bmp,0,0",
        "blank-alpha.bmp,0,0"
    })
    void picturesAreWhatPillowMakesOfThem(String name, double meanDifference, int maxDifference) {
        RgbImage expected = MediaFixtures.png(name + ".expected.png");
        byte[] file = MediaFixtures.file(name);
        RgbImage image = decoder.decode(file);
        assertThat(decoder.size(file)).isEqualTo(new SmartResize.Size(expected.height(), expected.width()));
        assertThat(image.width()).isEqualTo(expected.width());
        assertThat(image.height()).isEqualTo(expected.height());
        double sum = 0;
        int max = 0;
        for (int i = 0; i < expected.rgb().length; i++) {
            int difference = Math.abs((expected.rgb()[i] & 0xff) - (image.rgb()[i] & 0xff));
            sum += difference;
            max = Math.max(max, difference);
        }
        assertThat(sum / expected.rgb().length).as("mean difference").isLessThanOrEqualTo(meanDifference);
        assertThat(max).as("largest difference").isLessThanOrEqualTo(maxDifference);
    }

    @ParameterizedTest(name = "{0} to {1} of its bytes")
    @CsvSource({
        "subsampled.jpg,0.5", "subsampled.jpg,0.98", "progressive.jpg,0.5", "cmyk.jpg,0.9", "grey.jpg,0.02",
        "rgba.png,0.9", "palette.png,0.5", "rgb-16.png,0.9", "lossy.webp,0.9", "lossless.webp,0.98",
        "alpha.webp,0.98", "first.gif,0.3", "rgb.bmp,0.98", "palette.bmp,0.9"
    })
    void aPictureThatIsCutOffIsAnError(String name, double share) {
        byte[] file = MediaFixtures.file(name);
        byte[] cut = Arrays.copyOf(file, (int) (share * file.length));
        assertThatThrownBy(() -> decoder.decode(cut))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("cut off");
    }

    @Test
    void aBombIsRefusedByItsHeader() {
        byte[] bomb = MediaFixtures.file("rgba.png");
        ByteBuffer.wrap(bomb).putInt(16, 20_000).putInt(20, 20_000);
        var header = new CRC32();
        header.update(bomb, 12, 17);
        ByteBuffer.wrap(bomb).putInt(29, (int) header.getValue());
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> decoder.size(bomb), () -> decoder.decode(bomb))) {
            assertThatThrownBy(use)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("20000x20000")
                    .hasMessageContaining("100000000 pixels allowed");
        }
    }

    @Test
    void aFileIsKnownByItsContent() {
        assertThatThrownBy(() -> decoder.size("hello\nworld".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("cannot identify image file: found text (\"hello world\"); read are " + FileFormat.IMAGES);
        assertThatThrownBy(() -> decoder.size(new byte[0])).hasMessageContaining("found nothing");
        assertThatThrownBy(() -> decoder.size(new byte[] {1, 2, 3})).hasMessageContaining("first bytes 01 02 03");
    }

    @Test
    void tooManyBytesAreRefused() {
        var strict = new ImageDecoder(new MediaLimits(100, 100, 100, 100, 100, 100, 1));
        assertThatThrownBy(() -> strict.size(new byte[101]))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("a picture of 101 bytes is larger than the 100 allowed");
    }

    @Test
    void damageAnywhereIsAnAnswerOrAnError() {
        var random = new Random(5);
        for (String name : List.of(
                "subsampled.jpg",
                "palette.png",
                "lossy.webp",
                "lossy-alpha.webp",
                "lossless.webp",
                "first.gif",
                "rgb.bmp")) {
            for (int n = 0; n < 60; n++) {
                byte[] file = MediaFixtures.file(name);
                for (int k = 0; k < 4; k++) {
                    file[random.nextInt(file.length)] = (byte) random.nextInt();
                }
                try {
                    assertThat(decoder.decode(file).rgb()).isNotEmpty();
                } catch (InvalidInputException e) {
                    assertThat(e).hasMessageNotContaining("null");
                }
            }
        }
    }
}
