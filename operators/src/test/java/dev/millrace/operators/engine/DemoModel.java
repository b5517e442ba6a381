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
import dev.millrace.model.prompt.MropePositions;
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
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

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
        return executor(numBlocks, new Limits(2048, MAX_NUM_SEQS, MAX_MODEL_LEN), ExecutorConfig.Speculation.NONE);
    }

    static ModelExecutor executor(int numBlocks, Limits limits, ExecutorConfig.Speculation speculation) {
        return new CpuExecutorFactory()
                .open(
                        DIRECTORY.folder(),
                        ExecutorConfig.DEFAULT
                                .withCache(Cache.ofBlocks(numBlocks))
                                .withMediaRows(MEDIA_ROWS)
                                .withCpu(new Cpu(2, true))
                                .withSpeculation(speculation),
                        limits);
    }

    PreparedPrompt prompt(Part... parts) {
        return prompt(List.of(new Message("user", List.of(parts))));
    }

    PreparedPrompt prompt(List<Message> messages) {
        return preparer.prepare(new Chat(messages, ChatOptions.DEFAULT)).prompt();
    }

    /** A prompt that has another, an answer to it and a text in it, token for token. */
    PreparedPrompt continued(PreparedPrompt prompt, int[] answer, String text) {
        int[] tokens = Stream.of(prompt.tokenIds(), answer, tokenizer.encode(text))
                .flatMapToInt(Arrays::stream)
                .toArray();
        MropePositions positions = MropePositions.of(
                tokens.length, prompt.media(), DIRECTORY.config().vision().tokensPerSecond());
        return new PreparedPrompt(tokens, prompt.media(), positions);
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

    /** A small picture of coloured rectangles. */
    static Part drawing(Random random) {
        var image =
                new BufferedImage(84 + 28 * random.nextInt(2), 84 + 28 * random.nextInt(2), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        for (int i = 0; i < 4; i++) {
            graphics.setColor(new Color(random.nextInt(1 << 24)));
            graphics.fillRect(random.nextInt(84), random.nextInt(84), random.nextInt(84), random.nextInt(84));
        }
        graphics.dispose();
        var png = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", png);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new MediaPart(new MediaSource(false, null, List.of(png.toByteArray()), false, MediaOptions.DEFAULT));
    }

    private static byte[] bytes(String sample) {
        try {
            return Files.readAllBytes(ROOT.resolve("models/samples").resolve(sample));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
