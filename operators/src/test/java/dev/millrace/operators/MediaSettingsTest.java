package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.prompt.PromptInput.Chat;
import dev.millrace.model.prompt.PromptInput.MediaPart;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MediaSettingsTest {

    private static final Path MODELS = Path.of(System.getProperty("millrace.root"), "models");
    private static final int CELL = 28 * 28; // pixels of a token

    @Test
    void pixelBoundsReachThePictures() throws IOException {
        int usual = prepared(null, null, null, "sign.png").numTokens();
        assertThat(prepared(null, 4 * CELL, null, "sign.png").numTokens()).isBetween(1, 4);
        assertThat(prepared((usual + 20) * CELL, 10_000 * CELL, null, "sign.png")
                        .numTokens())
                .isGreaterThan(usual);
    }

    @Test
    void theRateReachesTheVideos() throws IOException {
        int usual = prepared(null, null, null, "ball.mp4").numTokens();
        assertThat(prepared(null, null, 4.0, "ball.mp4").numTokens()).isGreaterThan(usual);
    }

    @Test
    void boundsThatContradictEachOtherAreNamedWithTheFlag() {
        assertThatThrownBy(() -> prepared(100_000, 50_000, null, "sign.png"))
                .hasMessageContaining("min_pixels is 100000")
                .hasMessageContaining("--mm-processor-kwargs");
    }

    private static MediaItem prepared(Integer minPixels, Integer maxPixels, Double fps, String sample)
            throws IOException {
        var model = new ModelDirectory(MODELS.resolve("demo-vl"));
        var media = new MediaSettings(999, 999, null, List.of(), minPixels, maxPixels, fps);
        byte[] file = Files.readAllBytes(MODELS.resolve("samples").resolve(sample));
        var part = new MediaPart(
                new MediaSource(sample.endsWith("mp4"), null, List.of(file), false, MediaOptions.DEFAULT));
        DjlTokenizer tokenizer = model.tokenizer();
        return media.preparer(model, tokenizer, model.chatRenderer(tokenizer), 2048, Long.MAX_VALUE)
                .prepare(new Chat(List.of(new Message("user", List.of(part))), ChatOptions.DEFAULT))
                .prompt()
                .media()
                .get(0)
                .item();
    }
}
