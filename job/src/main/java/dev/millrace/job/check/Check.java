package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Compares this engine with every reference vector that a folder holds; whatever is missing is passed over and named. */
public final class Check {

    private final VectorFiles files;
    private final ModelExecutorFactory executors;
    private final String dtype;
    private final ExecutorConfig.Gpu gpu;

    /**
     * @param folder laid out like {@code golden/}
     * @param dtype how the models' weights are held: {@code auto}, {@code bfloat16} or {@code float32}
     * @param gpu which GPUs compute, if any do
     */
    public Check(Path folder, ModelExecutorFactory executors, String dtype, ExecutorConfig.Gpu gpu) {
        this.files = new VectorFiles(folder);
        this.executors = executors;
        this.dtype = dtype;
        this.gpu = gpu;
    }

    /** Compares everything and adds the rows to the report. */
    public void run(CheckReport report) throws IOException {
        SmartResizeCheck.run(files, report);
        new TokenizerCheck(files).run(report);
        for (String suffix : suffixes("sampling", report)) {
            new SamplingCheck(files, suffix).run(report);
        }
        for (String suffix : suffixes("pixel_values", report)) {
            pixelValues(suffix, report);
        }
        for (String suffix : suffixes("cases", report)) {
            new CasesCheck(files, suffix, executors, dtype, gpu).run(report);
        }
    }

    private List<String> suffixes(String prefix, CheckReport report) {
        List<String> suffixes = files.suffixes(prefix);
        if (suffixes.isEmpty()) {
            report.passOver(prefix + "-*.json is not there");
        }
        return suffixes;
    }

    private void pixelValues(String suffix, CheckReport report) {
        String file = "pixel_values-" + suffix;
        Path model = files.resolve("model-" + suffix);
        double smallestStd =
                Arrays.stream(PreprocessorConfig.read(model).imageStd()).min().orElseThrow();
        try (var references = new ReferencePixels(files, suffix)) {
            var check = new PixelValuesCheck(file, new FolderMedia(files, model), references, smallestStd);
            for (JsonNode entry : files.json(file + ".json")) {
                report.addAll(file, entry.path("image").asText(), () -> check.compare(entry));
            }
        }
    }
}
