package dev.millrace.model.prompt;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.media.MediaFixtures;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MropePositionsTest {

    /** The reference's cases: pictures, videos at several rates, both. Every media token's id tells its kind. */
    @ParameterizedTest
    @CsvSource({"a,500,501,2", "b,380,381,4"})
    void positionsAreTheReferences(String variant, int imageToken, int videoToken, double tokensPerSecond) {
        for (JsonNode row : MediaFixtures.goldenJson("cases-" + variant + ".json")) {
            String name = row.get("name").asText();
            JsonNode ids = row.get("input_ids");
            var spans = new ArrayList<MediaSpan>();
            int image = 0;
            int video = 0;
            for (int i = 0; i < ids.size(); i++) {
                int id = ids.get(i).asInt();
                if (id == imageToken || id == videoToken) {
                    boolean moving = id == videoToken;
                    JsonNode grid = moving
                            ? row.get("video_grid_thw").get(video)
                            : row.get("image_grid_thw").get(image);
                    double seconds =
                            moving ? row.get("second_per_grid_ts").get(video).asDouble() : 0;
                    image += moving ? 0 : 1;
                    video += moving ? 1 : 0;
                    spans.add(new MediaSpan(i, item(moving, grid, seconds)));
                    i = spans.get(spans.size() - 1).end() - 1;
                }
            }
            var positions = MropePositions.of(ids.size(), spans, tokensPerSecond);
            int[] expected = MediaFixtures.ints("cases-" + variant + ".safetensors", name + ".position_ids");
            int max = -1;
            for (int axis = 0; axis < 3; axis++) {
                for (int i = 0; i < ids.size(); i++) {
                    assertThat(positions.at(axis, i))
                            .as("%s axis %d token %d", name, axis, i)
                            .isEqualTo(expected[axis * ids.size() + i]);
                    max = Math.max(max, expected[axis * ids.size() + i]);
                }
            }
            assertThat(positions.at(1, ids.size()))
                    .as("%s: the token after", name)
                    .isEqualTo(max + 1);
            assertThat(positions.delta()).as("%s delta", name).isEqualTo(max + 1 - ids.size());
        }
    }

    private static MediaItem item(boolean video, JsonNode grid, double seconds) {
        return new MediaItem(
                new MediaKey(0, 0),
                video,
                grid.get(0).asInt(),
                grid.get(1).asInt(),
                grid.get(2).asInt(),
                seconds,
                new float[0]);
    }

    /** vLLM's rule, see the reference vectors' README; transformers 5 would resume at 5. */
    @Test
    void textResumesBehindTheLastFrame() {
        var video = new MediaItem(new MediaKey(0, 0), true, 8, 4, 4, 1, new float[0]);
        var positions = MropePositions.of(3 + 32 + 2, List.of(new MediaSpan(3, video)), 2);
        assertThat(positions.at(0, 3 + 32)).isEqualTo(3 + 14 + 1);
    }
}
