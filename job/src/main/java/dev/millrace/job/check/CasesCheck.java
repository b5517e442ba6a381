package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.prompt.PreparedPrompt;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Runs {@code cases-X} through the executor with {@code model-X}. */
final class CasesCheck {

    private static final Set<String> COMPARED = Set.of(
            "name",
            "input_ids",
            "images",
            "image_grid_thw",
            "video_frames",
            "video_grid_thw",
            "second_per_grid_ts",
            "greedy_tokens",
            "greedy_margin",
            "sampled_tokens",
            "sampled_patches",
            "echo_share");
    private static final String BFLOAT16 = "bfloat16";
    private static final int MAX_SAMPLES = 256;
    private static final int BLOCK_SIZE = 16;

    private final VectorFiles files;
    private final String file;
    private final Path model;
    private final String suffix;
    private final ModelExecutorFactory executors;
    private final String dtype;
    private final ExecutorConfig.Gpu gpu;

    CasesCheck(VectorFiles files, String suffix, ModelExecutorFactory executors, String dtype, ExecutorConfig.Gpu gpu) {
        this.files = files;
        this.file = "cases-" + suffix;
        this.suffix = suffix;
        this.model = files.resolve("model-" + suffix);
        this.executors = executors;
        this.dtype = dtype;
        this.gpu = gpu;
    }

    void run(CheckReport report) throws IOException {
        if (!files.exists("model-" + suffix) || !files.exists(file + ".safetensors")) {
            report.passOver(file + ": model-" + suffix + " or " + file + ".safetensors is not there");
            return;
        }
        ModelConfig config = ModelConfigReader.read(model);
        List<GoldenCase> cases = wanted(report);
        if (cases.isEmpty()) {
            return;
        }
        try (var references = SafetensorsFile.open(files.resolve(file + ".safetensors"));
                var pixels = new ReferencePixels(files, suffix)) {
            var media = new FolderMedia(files, model);
            Map<GoldenCase, PreparedPrompt> prompts = prepare(cases, config, media, pixels, report);
            if (prompts.isEmpty()) {
                return;
            }
            Room room = room(prompts);
            int vocabulary = config.text().vocabSize();
            try (ModelExecutor executor = executors.open(model, room.executor(), room.limits())) {
                prompts.forEach((golden, prompt) -> report.addAll(file, golden.name(), () -> {
                    var rule = new CaseRule(file, golden, dtype.equals(BFLOAT16), report::passOver);
                    new CaseCheck(rule, golden, prompt, references, executor, vocabulary, MAX_SAMPLES).run();
                    if (golden.beams() != null && rule.comparesBeams()) {
                        new BeamCheck(
                                        rule,
                                        golden.beams(),
                                        prompt,
                                        executor,
                                        room.limits().maxNumBatchedTokens())
                                .run();
                    }
                    return rule.rows();
                }));
            }
        }
    }

    private List<GoldenCase> wanted(CheckReport report) {
        List<GoldenCase> cases = new ArrayList<>();
        Set<String> ignored = new TreeSet<>();
        for (JsonNode node : files.json(file + ".json")) {
            GoldenCase golden = GoldenCase.parse(node);
            if (report.wants(file, golden.name())) {
                cases.add(golden);
                node.fieldNames().forEachRemaining(ignored::add);
            }
        }
        ignored.removeAll(COMPARED);
        ignored.removeIf(BeamReference::isName);
        ignored.removeIf(key -> key.startsWith("pytorch_"));
        ignored.forEach(key -> report.passOver(file + ": '" + key + "' is not compared"));
        return cases;
    }

    private Map<GoldenCase, PreparedPrompt> prepare(
            List<GoldenCase> cases, ModelConfig config, FolderMedia media, ReferencePixels pixels, CheckReport report) {
        Map<GoldenCase, PreparedPrompt> prompts = new LinkedHashMap<>();
        for (GoldenCase golden : cases) {
            report.addAll(file, golden.name(), () -> {
                prompts.put(golden, CasePrompt.of(golden, config, media, pixels));
                return List.of();
            });
        }
        return prompts;
    }

    private record Room(ExecutorConfig executor, Limits limits) {}

    /** Room for the longest case, one at a time. */
    private Room room(Map<GoldenCase, PreparedPrompt> prompts) {
        int prompt = 1;
        int length = 1;
        int media = 1;
        int forked = 0; // blocks of beams
        for (var entry : prompts.entrySet()) {
            int tokens = entry.getValue().tokenIds().length;
            prompt = Math.max(prompt, tokens);
            BeamReference beams = entry.getKey().beams();
            int beamLength = beams == null ? 0 : beams.length();
            length = Math.max(length, tokens + Math.max(entry.getKey().greedyTokens().length, beamLength));
            forked = Math.max(forked, beams == null ? 0 : beams.width() * (2 + beamLength / BLOCK_SIZE));
            media = Math.max(
                    media,
                    entry.getValue().media().stream()
                            .mapToInt(span -> span.item().numTokens())
                            .sum());
        }
        int blocks = 2 + length / BLOCK_SIZE + forked;
        ExecutorConfig executor = ExecutorConfig.DEFAULT
                .withDtype(dtype)
                .withCache(Cache.ofBlocks(blocks))
                .withMediaRows(media)
                .withCpu(new Cpu(0, true))
                .withGpu(gpu);
        return new Room(executor, new Limits(prompt, MAX_SAMPLES, length));
    }
}
