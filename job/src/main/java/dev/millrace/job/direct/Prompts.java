package dev.millrace.job.direct;

import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.VideoSampling;
import dev.millrace.model.media.fetch.FetchSettings;
import dev.millrace.model.media.fetch.MediaFetcher;
import dev.millrace.model.prompt.PromptLimits;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.tokenizer.DjlTokenizer;

/** What prepares prompts for a model, with the defaults of a server. */
public final class Prompts {

    private Prompts() {}

    public static PromptPreparer preparer(ModelDirectory model, DjlTokenizer tokenizer) {
        return new PromptPreparer(
                model.config(),
                tokenizer,
                model.chatRenderer(tokenizer),
                new MediaFetcher(FetchSettings.DEFAULT, MediaLimits.DEFAULT),
                new MediaProcessor(model.preprocessorConfig(), VideoSampling.DEFAULT, MediaLimits.DEFAULT),
                PromptLimits.of(model.config().text().maxPositionEmbeddings()));
    }
}
