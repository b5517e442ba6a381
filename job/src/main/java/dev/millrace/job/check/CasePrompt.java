package dev.millrace.job.check;

import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Makes a prompt of a case: its token ids as they are, its media at the runs of placeholders. */
final class CasePrompt {

    private CasePrompt() {}

    static PreparedPrompt of(GoldenCase golden, ModelConfig config, FolderMedia media, ReferencePixels pixels) {
        int[] ids = golden.inputIds();
        if (!config.hasVision()) {
            return PreparedPrompt.text(ids);
        }
        Deque<MediaItem> images = new ArrayDeque<>();
        for (String image : golden.images()) {
            images.add(pixels.replaceIn(media.image(image), image));
        }
        Deque<MediaItem> videos = new ArrayDeque<>();
        for (int i = 0; i < golden.videoGrids().size(); i++) {
            videos.add(media.video(golden.videoFrames(), secondsPerGrid(golden, i)));
        }
        List<MediaSpan> spans = spans(ids, config.vision(), images, videos);
        return new PreparedPrompt(
                ids, spans, MropePositions.of(ids.length, spans, config.vision().tokensPerSecond()));
    }

    /** One second where the case is silent, as in transformers. */
    private static double secondsPerGrid(GoldenCase golden, int video) {
        return video < golden.secondsPerGrid().length ? golden.secondsPerGrid()[video] : 1;
    }

    private static List<MediaSpan> spans(
            int[] ids, ModelConfig.VisionConfig vision, Deque<MediaItem> images, Deque<MediaItem> videos) {
        List<MediaSpan> spans = new ArrayList<>();
        int i = 0;
        while (i < ids.length) {
            MediaItem item = null;
            if (ids[i] == vision.imageTokenId()) {
                item = images.poll();
            } else if (ids[i] == vision.videoTokenId()) {
                item = videos.poll();
            }
            if (item != null) {
                spans.add(new MediaSpan(i, item));
            }
            i += item == null ? 1 : item.numTokens();
        }
        return spans;
    }
}
