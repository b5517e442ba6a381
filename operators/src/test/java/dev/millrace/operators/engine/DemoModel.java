package dev.millrace.operators.engine;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.media.VideoSampling;
import dev.millrace.model.media.fetch.FetchSettings;
import dev.millrace.model.media.fetch.MediaFetcher;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PromptInput.Chat;
import dev.millrace.model.prompt.PromptInput.MediaPart;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.Part;
import dev.millrace.model.prompt.PromptInput.TextPart;
import dev.millrace.model.prompt.PromptLimits;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The demonstration model on the CPU, and prompts for it. */
final class DemoModel {

    static final int MAX_MODEL_LEN = 512;
    static final int MEDIA_ROWS = 512;
    static final int MAX_NUM_SEQS = 40;

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final ModelDirectory DIRECTORY = new ModelDirectory(ROOT.resolve("models/demo-vl"));

    final DjlTokenizer tokenizer = DIRECTORY.tokenizer();
    private final PromptPreparer preparer;

    DemoModel() {
        preparer = new PromptPreparer(
                DIRECTORY.config(),
                tokenizer,
                DIRECTORY.chatRenderer(tokenizer),
                new MediaFetcher(FetchSettings.DEFAULT, MediaLimits.DEFAULT),
                new MediaProcessor(DIRECTORY.preprocessorConfig(), VideoSampling.DEFAULT, MediaLimits.DEFAULT),
                PromptLimits.of(MAX_MODEL_LEN));
    }

    static ModelExecutor executor(int numBlocks) {
        return executor(numBlocks, ExecutorConfig.Speculation.NONE);
    }

    static ModelExecutor executor(int numBlocks, ExecutorConfig.Speculation speculation) {
        return new CpuExecutorFactory()
                .open(
                        DIRECTORY.folder(),
                        ExecutorConfig.DEFAULT
                                .withCache(Cache.ofBlocks(numBlocks))
                                .withMediaRows(MEDIA_ROWS)
                                .withCpu(new Cpu(2, true))
                                .withSpeculation(speculation),
                        new Limits(2048, MAX_NUM_SEQS, MAX_MODEL_LEN));
    }

    PreparedPrompt prompt(Part... parts) {
        return preparer.prepare(new Chat(List.of(new Message("user", List.of(parts))), ChatOptions.DEFAULT))
                .prompt();
    }

    static Part text(String text) {
        return new TextPart(text);
    }

    static Part picture(String sample) {
        return new MediaPart(new MediaSource(false, null, List.of(bytes(sample)), false, MediaOptions.DEFAULT));
    }

    static Part video(String sample) {
        return new MediaPart(new MediaSource(true, null, List.of(bytes(sample)), false, MediaOptions.DEFAULT));
    }

    /** A video of pictures, so many a second. */
    static Part frames(double fps, String... samples) {
        List<byte[]> files = List.of(samples).stream().map(DemoModel::bytes).toList();
        return new MediaPart(new MediaSource(true, null, files, true, new MediaOptions(fps, null, null, null)));
    }

    private static byte[] bytes(String sample) {
        try {
            return Files.readAllBytes(ROOT.resolve("models/samples").resolve(sample));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
