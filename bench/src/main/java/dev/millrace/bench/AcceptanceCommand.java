package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.bench.pictures.ImageSize;
import dev.millrace.bench.pictures.ShapePictures;
import dev.millrace.job.cli.DeviceOptions;
import dev.millrace.job.cli.SpeculativeConfig;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.prompt.PromptInput.Chat;
import dev.millrace.model.prompt.PromptInput.MediaPart;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.TextPart;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.operators.engine.SpeculationStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how many drafts are right, and what they gain, on questions about pictures of drawn shapes. */
@Command(
        name = "acceptance",
        description = {
            "How many drafts are accepted, and how fast answers come with and without speculative decoding (greedy),",
            "on questions about pictures of drawn shapes. Fails if an answer is another with it."
        })
final class AcceptanceCommand implements Callable<Integer> {

    private static final List<String> QUESTIONS = List.of(
            "Describe this image.", "Describe this image in detail.", "What do you see?", "描述这张图片。", "Who are you?");
    private static final ImageSize SIZE = new ImageSize(112, 112);

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model;

    @Option(
            names = "--speculative-config",
            required = true,
            paramLabel = "JSON",
            converter = SpeculativeConfig.Converter.class,
            description = SpeculativeConfig.DESCRIPTION)
    private SpeculativeConfig speculativeConfig;

    @Option(
            names = "--num-prompts",
            paramLabel = "N",
            converter = Count.class,
            description = "Questions (default: ${DEFAULT-VALUE}).")
    private int numPrompts = 200;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            converter = Count.class,
            description = "Questions asked at a time (default: ${DEFAULT-VALUE}).")
    private int batchSize = 1;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            converter = Count.class,
            description = "Most tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int maxTokens = 128;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the pictures (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Mixin
    private DeviceOptions device;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the figures as JSON, too.")
    private Path json;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        List<Chat> prompts = prompts();
        Run plain = run(prompts, SpeculativeConfig.NONE);
        Run drafted = run(prompts, speculativeConfig);
        SpeculationStats drafts = drafted.drafts;
        double share = (double) drafts.numAcceptedTokens() / Math.max(1, drafts.numDraftTokens());
        double length = 1 + (double) drafts.numAcceptedTokens() / Math.max(1, drafts.numDrafts());
        boolean same = drafted.texts.equals(plain.texts);
        out.printf(
                Locale.ROOT,
                "Accepted: %d of %d drafts, %.1f %%; %.2f tokens a step with drafts%n"
                        + "Decode of an answer: %.0f tokens/s, without drafts %.0f%n%s%n",
                drafts.numAcceptedTokens(),
                drafts.numDraftTokens(),
                100 * share,
                length,
                drafted.decodeRate,
                plain.decodeRate,
                same ? "Every answer is the same." : "Not every answer is the same.");
        out.flush();
        new Figures()
                .put("acceptance_rate", share)
                .put("acceptance_length", length)
                .put("decode_tokens_per_second", drafted.decodeRate)
                .put("plain_decode_tokens_per_second", plain.decodeRate)
                .write(json);
        return same ? 0 : 1;
    }

    private record Run(List<String> texts, double decodeRate, SpeculationStats drafts) {}

    /** All questions twice, so that the first time warms up. */
    private Run run(List<Chat> prompts, SpeculativeConfig speculation) throws IOException, InterruptedException {
        try (var answers = new Answers(model, maxTokens, device, speculation)) {
            ask(answers, prompts);
            answers.resetRate();
            List<String> texts = ask(answers, prompts);
            return new Run(texts, answers.decodeRate(), answers.speculation());
        }
    }

    private List<String> ask(Answers answers, List<Chat> prompts) throws InterruptedException {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i += batchSize) {
            texts.addAll(answers.to(prompts.subList(i, Math.min(prompts.size(), i + batchSize))));
        }
        return texts;
    }

    private List<Chat> prompts() throws IOException {
        var pictures = new ShapePictures(new Random(seed), SIZE);
        List<Chat> prompts = new ArrayList<>();
        for (int i = 0; i < numPrompts; i++) {
            var picture = new MediaSource(false, null, List.of(pictures.next()), false, MediaOptions.DEFAULT);
            prompts.add(new Chat(
                    List.of(new Message(
                            "user",
                            List.of(new MediaPart(picture), new TextPart(QUESTIONS.get(i % QUESTIONS.size()))))),
                    ChatOptions.DEFAULT));
        }
        return prompts;
    }
}
