package dev.millrace.job.demo;

import dev.millrace.job.direct.EngineLoop;
import dev.millrace.job.direct.Prompts;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.model.prompt.PromptInput.MediaPart;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.TextPart;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers made-up prompts with pictures while broker and cluster start, on a thread of its own: what the
 * first real prompt needs is then loaded and compiled. Shares nothing with the job but the classes.
 */
final class WarmUp implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);
    private static final int ROUNDS = 6;
    private static final int TOGETHER = 4;
    private static final int TOKENS = 16;
    private static final int SIDE = 112;
    private static final int[] NONE = {};

    private final OperatorConfig config;
    private final ModelExecutorFactory executors;
    private final Thread thread = new Thread(this::run, "millrace-warm-up");
    private volatile boolean wanted = true;
    private int finished; // of the warm-up's thread

    WarmUp(OperatorConfig config, ModelExecutorFactory executors) {
        this.config = config;
        this.executors = executors;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Ends it after the answers under way, and waits until it has let go of the device: a GPU has one holder at a time. */
    @Override
    public void close() {
        wanted = false;
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            answer();
        } catch (IOException | RuntimeException e) {
            LOG.warn("Nothing was warmed up, the first answer will be slow: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void answer() throws IOException, InterruptedException {
        var model = new ModelDirectory(Path.of(config.model()));
        DjlTokenizer tokenizer = model.tokenizer();
        PromptPreparer preparer = Prompts.preparer(model, tokenizer);
        boolean vision = model.config().hasVision();
        Limits limits = config.settledLimits(executors, model.config());
        try (var loop = new EngineLoop(
                new EngineConfig(limits, config.scheduling()),
                executors.open(model.folder(), config.executor(), limits),
                tokenizer,
                output -> finished += output.finish() == null ? 0 : 1)) {
            int asked = 0;
            for (int round = 0; round < ROUNDS && wanted; round++) {
                for (int i = 0; i <= round % TOGETHER; i++) {
                    PreparedPrompt prompt =
                            preparer.prepare(question(vision, asked)).prompt();
                    loop.submit(new Sequence("warm-up " + asked, 0, asked++, 0, prompt, params(), NONE, 0));
                }
                int until = asked;
                loop.runUntil(() -> finished == until);
            }
            loop.drain();
        }
    }

    /** Another picture each time, so that nothing comes from a cache. */
    private static PromptInput question(boolean picture, int number) throws IOException {
        var text = new TextPart("What is this?");
        var parts = picture ? List.of(new MediaPart(noise(number)), text) : List.of(text);
        return new PromptInput.Chat(List.of(new Message("user", List.copyOf(parts))), ChatOptions.DEFAULT);
    }

    private static MediaSource noise(int seed) throws IOException {
        var picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < SIDE * SIDE; i++) {
            picture.setRGB(i % SIDE, i / SIDE, 0x9E3779B9 * (i + seed) >>> 8);
        }
        var file = new ByteArrayOutputStream();
        ImageIO.write(picture, "png", file);
        return new MediaSource(false, null, List.of(file.toByteArray()), false, MediaOptions.DEFAULT);
    }

    private static GenerationParams params() {
        return GenerationParams.builder(SamplingParams.greedy(), TOKENS).build();
    }
}
