package dev.millrace.bench;

import dev.millrace.bench.pictures.ImageSize;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.media.VideoSampling;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

/** Makes prompts of random tokens, and random pictures that go through the same decoder and resizer as real ones. */
final class RandomPrompts {

    private final ModelConfig config;
    private final Random random;
    private final int inputLen;
    private final List<ImageSize> images;
    private final MediaProcessor processor;
    private final int promptLength;
    private final int mediaTokens;
    private final int largestPatches;
    private final double mediaFlops;

    RandomPrompts(BenchOptions options, ModelConfig config, Random random) throws IOException {
        this.config = config;
        this.random = random;
        this.inputLen = options.inputLen;
        this.images = options.images;
        this.processor =
                new MediaProcessor(PreprocessorConfig.read(options.model), VideoSampling.DEFAULT, MediaLimits.DEFAULT);
        PreparedPrompt sample = next();
        this.promptLength = sample.tokenIds().length;
        this.mediaTokens = sample.media().stream()
                .mapToInt(span -> span.item().numTokens())
                .sum();
        this.largestPatches = sample.media().stream()
                .mapToInt(span -> span.item().numPatches())
                .max()
                .orElse(0);
        var cost = new ModelCost(config);
        this.mediaFlops = sample.media().stream()
                .mapToDouble(span ->
                        cost.encode(span.item().numPatches(), span.item().numPatches()))
                .sum();
    }

    /** Tokens of every prompt, media included. */
    int promptLength() {
        return promptLength;
    }

    /** Media tokens of every prompt. */
    int mediaTokens() {
        return mediaTokens;
    }

    /** Patches of the largest picture. */
    int largestPatches() {
        return largestPatches;
    }

    /** Operations that the pictures of one prompt take. */
    double mediaFlops() {
        return mediaFlops;
    }

    /** A prompt without pictures. */
    PreparedPrompt text() {
        return PreparedPrompt.text(
                random.ints(inputLen, 0, config.text().vocabSize()).toArray());
    }

    PreparedPrompt next() throws IOException {
        List<Integer> ids = new ArrayList<>();
        List<MediaSpan> spans = new ArrayList<>();
        for (ImageSize size : images) {
            MediaItem item = picture(size);
            ids.add(config.vision().visionStartTokenId());
            spans.add(new MediaSpan(ids.size(), item));
            for (int i = 0; i < item.numTokens(); i++) {
                ids.add(config.vision().imageTokenId());
            }
            ids.add(config.vision().visionEndTokenId());
        }
        for (int i = 0; i < inputLen; i++) {
            ids.add(random.nextInt(config.text().vocabSize()));
        }
        int[] tokens = ids.stream().mapToInt(Integer::intValue).toArray();
        double tokensPerSecond = config.hasVision() ? config.vision().tokensPerSecond() : 0;
        return new PreparedPrompt(tokens, spans, MropePositions.of(tokens.length, spans, tokensPerSecond));
    }

    private MediaItem picture(ImageSize size) throws IOException {
        if (!config.hasVision()) {
            throw new IllegalArgumentException("--images: " + config.architecture() + " is a text model; leave it out");
        }
        var picture = new BufferedImage(size.width(), size.height(), BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < size.height(); y++) {
            for (int x = 0; x < size.width(); x++) {
                picture.setRGB(x, y, random.nextInt(1 << 24));
            }
        }
        var file = new ByteArrayOutputStream();
        ImageIO.write(picture, "png", file);
        var encoded = new EncodedMedia(EncodedMedia.Kind.IMAGE, List.of(file.toByteArray()), MediaOptions.DEFAULT);
        return processor.process(encoded, Integer.MAX_VALUE);
    }
}
