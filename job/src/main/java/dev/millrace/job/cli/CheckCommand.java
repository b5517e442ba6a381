package dev.millrace.job.cli;

import dev.millrace.job.check.Check;
import dev.millrace.job.check.CheckReport;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares this engine with reference vectors. */
@Command(
        name = "check",
        description = {
            "Compares this engine with reference vectors and prints a row for each case and kind; fails if a row does.",
            "The folder is laid out like golden/: model-X, cases-X.*, pixel_values-X.*, sampling-X.*, smart_resize.json and a"
                    + " tokenizer's folder with tokenize.jsonl and chat.json; what is missing is passed over and named."
        })
final class CheckCommand implements Callable<Integer> {

    /** What references were recorded for; what a device takes by itself is not asked. */
    enum Precision {
        float32,
        bfloat16
    }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", converter = Folder.class, description = "Folder of the reference vectors.")
    private Path folder;

    @Mixin
    private DeviceOptions device;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description =
                    "How weights are held: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). Errors may be 1.2 times"
                            + " those of PyTorch's own forward pass in that type, where they were recorded; else"
                            + " fp32's tolerances hold.")
    private Precision dtype = Precision.float32;

    @Option(
            names = "--filter",
            paramLabel = "TEXT",
            description = "Compares only what has this text in 'file name', such as cases-a or image-0.")
    private String filter = "";

    @Override
    public Integer call() throws Exception {
        var executors = device.executors();
        var report = new CheckReport(spec.commandLine().getOut(), name -> name.contains(filter));
        new Check(folder, executors, dtype.name(), device.gpu()).run(report);
        report.finish();
        return report.passed() ? 0 : 1;
    }
}
