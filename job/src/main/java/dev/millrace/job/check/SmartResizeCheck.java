package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.media.SmartResize;
import java.util.List;

/** Compares resized sizes with {@code smart_resize.json}: sizes in, sizes out; null where the shape is refused. */
final class SmartResizeCheck {

    private static final String FILE = "smart_resize";
    private static final int FACTOR = 28;

    private SmartResizeCheck() {}

    static void run(VectorFiles files, CheckReport report) {
        if (!files.exists(FILE + ".json")) {
            report.passOver(FILE + ".json is not there");
            return;
        }
        report.addAll(FILE, "sizes", () -> List.of(compare(files.json(FILE + ".json"))));
    }

    private static CheckRow compare(JsonNode sizes) {
        int agreed = 0;
        String note = "";
        for (JsonNode size : sizes) {
            if (agrees(size)) {
                agreed++;
            } else if (note.isEmpty()) {
                note = "first: " + size;
            }
        }
        return CheckRow.allEqual(FILE, "sizes", "height and width", agreed, sizes.size(), note);
    }

    private static boolean agrees(JsonNode size) {
        JsonNode expected = size.path("resized");
        try {
            var actual = SmartResize.of(
                    size.path("height").asInt(),
                    size.path("width").asInt(),
                    size.path("factor").asInt(FACTOR),
                    size.path("min_pixels").asLong(),
                    size.path("max_pixels").asLong());
            return actual.height() == expected.path(0).asInt()
                    && actual.width() == expected.path(1).asInt();
        } catch (InvalidInputException e) {
            return expected.isNull();
        }
    }
}
