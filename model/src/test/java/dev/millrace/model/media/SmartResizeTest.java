package dev.millrace.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import org.junit.jupiter.api.Test;

class SmartResizeTest {

    @Test
    void sizesAreTheReferences() {
        int refused = 0;
        for (var row : MediaFixtures.goldenJson("smart_resize.json")) {
            int height = row.get("height").asInt();
            int width = row.get("width").asInt();
            long min = row.get("min_pixels").asLong();
            long max = row.get("max_pixels").asLong();
            if (row.get("resized").isNull()) {
                refused++;
                assertThatThrownBy(() -> SmartResize.of(height, width, 28, min, max))
                        .as("%s", row)
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessageContaining("aspect ratio");
            } else {
                assertThat(SmartResize.of(height, width, 28, min, max))
                        .as("%s", row)
                        .isEqualTo(new SmartResize.Size(
                                row.get("resized").get(0).asInt(),
                                row.get("resized").get(1).asInt()));
            }
        }
        assertThat(refused).isPositive();
    }

    @Test
    void halvesAreRoundedToEven() {
        assertThat(SmartResize.of(70, 70, 28, 1, 1 << 20)).isEqualTo(new SmartResize.Size(56, 56));
    }
}
