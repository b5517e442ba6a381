package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.media.MediaItem;
import java.util.ArrayList;
import java.util.List;

/** Compares pictures turned into patches with {@code pixel_values-X}. */
final class PixelValuesCheck {

    private final String file;
    private final FolderMedia media;
    private final ReferencePixels references;
    private final double level;

    /**
     * @param smallestStd smallest standard deviation by which the pixels were divided
     */
    PixelValuesCheck(String file, FolderMedia media, ReferencePixels references, double smallestStd) {
        this.file = file;
        this.media = media;
        this.references = references;
        this.level = Tolerance.pixelLevel(smallestStd);
    }

    List<CheckRow> compare(JsonNode entry) {
        String picture = entry.path("image").asText();
        MediaItem item = media.image(picture);
        List<CheckRow> rows = new ArrayList<>();
        int[] grid = {item.gridT(), item.gridH(), item.gridW()};
        rows.add(Comparison.equal(file, picture, "grid", grid, GoldenCase.integers(entry.path("grid_thw"))));
        if (references.contains(picture)) {
            rows.add(pixels(picture, item.patches(), references.patches(picture)));
        }
        return rows;
    }

    private CheckRow pixels(String picture, float[] actual, float[] expected) {
        if (actual.length != expected.length) {
            return Comparison.within(file, picture, "pixel values", actual, expected, level);
        }
        double largest = Comparison.largestDifference(actual, expected);
        int agreed = Comparison.countWithin(actual, expected, Tolerance.PIXELS);
        boolean passed = largest <= level && agreed >= Tolerance.PIXEL_SHARE * expected.length;
        return new CheckRow(file, picture, "pixel values", largest, agreed, expected.length, passed, "");
    }
}
