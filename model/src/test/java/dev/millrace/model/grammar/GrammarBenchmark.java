package dev.millrace.model.grammar;

import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What masks cost over Qwen2.5's vocabulary, in the thread's time on the processor: to be run by hand. */
final class GrammarBenchmark {

    private static final int VOCABULARY = 152_064;
    private static final int ROUNDS = 40;
    private static final String SCHEMA =
            """
            {"type": "object", "required": ["name", "tags", "size"], "properties": {
              "name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string", "maxLength": 20}},
              "size": {"type": "number"}, "kind": {"enum": ["small", "large"]}, "next": {"$ref": "#"}}}
            """;
    private static final String DOCUMENT =
            """
            {"name": "A large green triangle, and a small red cross beside it.", "tags": ["green", "crossing", "世界"],
             "size": -12.75, "kind": "large", "next": {"name": "x", "tags": [], "size": 3}}""";

    private GrammarBenchmark() {}

    public static void main(String[] args) {
        DjlTokenizer tokenizer =
                DjlTokenizer.open(Vocabularies.ROOT.resolve("golden/qwen2.5-tokenizer/tokenizer.json"));
        long start = now();
        GrammarCompiler compiler = new GrammarCompiler(tokenizer, VOCABULARY);
        System.out.printf("vocabulary's tree: %.0f ms%n", (now() - start) / 1e6);
        int[] tokens = tokenizer.encodeText(DOCUMENT);
        List<Double> compile = new ArrayList<>();
        List<Double> first = new ArrayList<>();
        List<Double> cached = new ArrayList<>();
        List<Double> advance = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            long before = now();
            Grammar grammar = compiler.compile(new GrammarSource(Kind.JSON_SCHEMA, SCHEMA + " ".repeat(round)));
            compile.add((now() - before) / 1e6);
            boolean measured = round >= ROUNDS / 2;
            walk(grammar, tokens, measured ? first : new ArrayList<>(), new ArrayList<>());
            walk(grammar, tokens, measured ? cached : new ArrayList<>(), measured ? advance : new ArrayList<>());
        }
        System.out.printf("%d tokens; milliseconds, median / 99th percentile / worst%n", tokens.length);
        print("compile", compile.subList(ROUNDS / 2, ROUNDS));
        print("mask, first time", first);
        print("mask, again", cached);
        print("take a token", advance);
    }

    private static void walk(Grammar grammar, int[] tokens, List<Double> masks, List<Double> steps) {
        GrammarState state = grammar.start(new int[] {151_645});
        for (int token : tokens) {
            long before = now();
            state.mask();
            long between = now();
            state = state.after(token);
            masks.add((between - before) / 1e6);
            steps.add((now() - between) / 1e6);
        }
    }

    private static long now() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static void print(String what, List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        System.out.printf(
                "%-18s %8.3f %8.3f %8.3f   mean %.3f%n",
                what,
                sorted[sorted.length / 2],
                sorted[(int) (sorted.length * 0.99)],
                sorted[sorted.length - 1],
                Arrays.stream(sorted).average().orElse(0));
    }
}
