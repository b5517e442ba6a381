package dev.millrace.operators;

import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.VideoSampling;
import dev.millrace.model.media.fetch.FetchSettings;
import dev.millrace.model.media.fetch.MediaFetcher;
import dev.millrace.model.prompt.PromptLimits;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * What media are let in and how they are resized. Names are vLLM's.
 *
 * @param imagesPerPrompt most pictures in a prompt
 * @param videosPerPrompt most videos in a prompt
 * @param allowedLocalMediaPath folder under which {@code file:} URLs may point, or null for none
 * @param allowedMediaDomains hosts from which media may be fetched, wherever they are; empty: all public ones
 * @param minPixels fewest pixels after resizing, or null for the checkpoint's
 * @param maxPixels most pixels after resizing, or null for the checkpoint's
 * @param fps frames a second that a video is sampled at, or null for 2
 */
public record MediaSettings(
        int imagesPerPrompt,
        int videosPerPrompt,
        String allowedLocalMediaPath,
        List<String> allowedMediaDomains,
        Integer minPixels,
        Integer maxPixels,
        Double fps)
        implements Serializable {

    /** vLLM's 999 of each, no local files, any public host. */
    public static final MediaSettings DEFAULT = new MediaSettings(999, 999, null, List.of(), null, null, null);

    PromptPreparer preparer(
            ModelDirectory model, DjlTokenizer tokenizer, ChatRenderer chat, int maxModelLen, long maxMediaBytes) {
        var limits = new PromptLimits(maxModelLen, imagesPerPrompt, videosPerPrompt, maxMediaBytes);
        return new PromptPreparer(
                model.config(),
                tokenizer,
                chat,
                new MediaFetcher(fetchSettings(), MediaLimits.DEFAULT),
                new MediaProcessor(resizing(model.preprocessorConfig()), videoSampling(), MediaLimits.DEFAULT),
                limits);
    }

    private FetchSettings fetchSettings() {
        FetchSettings usual = FetchSettings.DEFAULT;
        return new FetchSettings(
                allowedLocalMediaPath == null ? null : Path.of(allowedLocalMediaPath),
                Set.copyOf(allowedMediaDomains),
                usual.allowPrivateAddresses(),
                usual.imageTimeout(),
                usual.videoTimeout(),
                usual.promptTimeout(),
                usual.maxRedirects());
    }

    private VideoSampling videoSampling() {
        VideoSampling usual = VideoSampling.DEFAULT;
        return fps == null ? usual : new VideoSampling(fps, usual.minFrames(), usual.maxFrames());
    }

    private PreprocessorConfig resizing(PreprocessorConfig checkpoint) {
        int min = minPixels == null ? checkpoint.minPixels() : minPixels;
        int max = maxPixels == null ? checkpoint.maxPixels() : maxPixels;
        if (min > max) {
            throw new IllegalArgumentException("min_pixels is " + min + " and max_pixels is " + max
                    + "; min_pixels may be at most max_pixels (--mm-processor-kwargs)");
        }
        return new PreprocessorConfig(
                min,
                max,
                checkpoint.patchSize(),
                checkpoint.temporalPatchSize(),
                checkpoint.mergeSize(),
                checkpoint.imageMean(),
                checkpoint.imageStd());
    }
}
