package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.job.cli.DeviceOptions;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Counts how many questions of an evaluation set a model answers word for word. */
@Command(
        name = "accuracy",
        description = {
            "How many questions of an evaluation set are answered word for word, by kind of question (greedy).",
            "The set is made by models/training/make_eval.py: eval.jsonl, a question and its answer a line, beside pictures."
        })
final class AccuracyCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "EVAL_DIR", description = "Folder with eval.jsonl and its pictures.")
    private Path folder;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            converter = Count.class,
            description = "Most tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int maxTokens = 256;

    @Mixin
    private DeviceOptions device;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the shares as JSON, too.")
    private Path json;

    @Option(names = "--show-wrong", description = "Prints every answer that is not the expected one.")
    private boolean showWrong;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        Map<String, List<EvalQuestion>> byKind = EvalQuestion.read(folder).stream()
                .collect(Collectors.groupingBy(EvalQuestion::kind, TreeMap::new, Collectors.toList()));
        var figures = new Figures();
        try (var answers = new Answers(model, maxTokens, device)) {
            out.printf("%-16s %9s %8s%n", "kind", "exact", "share");
            for (var entry : byKind.entrySet()) {
                List<EvalQuestion> questions = entry.getValue();
                List<String> given =
                        answers.to(questions.stream().map(EvalQuestion::prompt).toList());
                int exact = report(out, questions, given);
                double share = (double) exact / questions.size();
                out.printf("%-16s %4d/%-4d %7.1f%%%n", entry.getKey(), exact, questions.size(), 100 * share);
                out.flush();
                figures.put(entry.getKey(), share);
            }
        }
        figures.write(json);
        return 0;
    }

    private int report(PrintWriter out, List<EvalQuestion> questions, List<String> given) {
        int exact = 0;
        for (int i = 0; i < given.size(); i++) {
            EvalQuestion question = questions.get(i);
            boolean right = given.get(i).strip().equals(question.answer().strip());
            exact += right ? 1 : 0;
            if (showWrong && !right) {
                out.printf("%s: %s%n  expected: %s%n", question.id(), given.get(i), question.answer());
            }
        }
        return exact;
    }
}
