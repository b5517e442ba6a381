package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.DemoModel.drawing;
import static dev.millrace.operators.engine.DemoModel.picture;
import static dev.millrace.operators.engine.DemoModel.text;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.grammar.GrammarCompiler;
import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.Part;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.engine.Answers.Answer;
import dev.millrace.operators.sequence.GenerationParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Requests as a service gets them: many begin with the same system prompt and picture, many are one question with other
 * parameters, some go on behind an answer. Their parameters are of every kind. The same seed draws the same.
 */
final class RandomRequests {

    static final int END = 977;

    private static final int TOPICS = 4;
    private static final int LONGEST_PROMPT = 200;
    private static final List<String> SAMPLES =
            List.of("two-shapes.png", "noisy.png", "sign.png", "some-alike.png", "places.png", "three-shapes.jpg");
    private static final List<String> QUESTIONS = List.of(
            "Describe this image.",
            "描述这张图片。",
            "What does the sign say?",
            "Who are you?",
            "你是谁?",
            "What is 17 + 25?",
            "Count to 12.",
            "one two three four one two three four one two three");

    private final DemoModel model;
    private final List<Grammar> grammars;
    private final Random random;
    private final List<List<Message>> topics = new ArrayList<>();
    private int drawn;

    RandomRequests(DemoModel model, long seed) {
        this.model = model;
        this.grammars = grammars(model);
        this.random = new Random(seed);
        String system = random.nextBoolean() ? "You are a helpful assistant." : "Say briefly what you see. " + seed;
        for (int i = 0; i < TOPICS; i++) {
            topics.add(topic(system, i));
        }
    }

    private static List<Grammar> grammars(DemoModel model) {
        GrammarCompiler compiler = new GrammarCompiler(model.tokenizer, 1024);
        return Stream.of(
                        new GrammarSource(Kind.REGEX, "((one|two|three|A large|, )+ ?)+"),
                        new GrammarSource(Kind.EBNF, "root ::= \"(\" root \")\" root | [a-d]* | root \"+\" root"),
                        new GrammarSource(Kind.CHOICE, "[\"yes\", \"no\", \"三\"]"),
                        new GrammarSource(
                                Kind.JSON_SCHEMA,
                                "{\"type\": \"array\", \"items\": {\"enum\": [\"red\", \"blue\", 1, 22]}, \"minItems\": 2}"))
                .map(compiler::compile)
                .toList();
    }

    /** How conversations begin that share a system prompt: with text alone, a picture of the samples, and drawn ones. */
    private List<Message> topic(String system, int number) {
        List<Part> media = new ArrayList<>();
        if (number == 1) {
            media.add(picture(SAMPLES.get(random.nextInt(SAMPLES.size()))));
        }
        for (int i = 1; i < number; i++) {
            media.add(drawing(random));
        }
        return List.of(new Message("system", List.of(text(system))), new Message("user", media));
    }

    /** Requests that begin conversations, about one in eight of them with tokens that say nothing. */
    List<Request> first(int count) {
        return Stream.generate(() -> request(random.nextInt(8) == 0 ? noise() : question(), null))
                .limit(count)
                .toList();
    }

    private PreparedPrompt question() {
        List<Message> topic = topics.get(random.nextInt(topics.size()));
        List<Part> parts = new ArrayList<>(topic.get(1).content());
        parts.add(text(anyOf(QUESTIONS)));
        return model.prompt(List.of(topic.get(0), new Message("user", parts)));
    }

    private PreparedPrompt noise() {
        return PreparedPrompt.text(random.ints(1 + random.nextInt(60), 0, 900).toArray());
    }

    /** Requests that go on behind the first answers to some of these. */
    List<Request> next(List<Request> earlier, List<List<Answer>> answers, int count) {
        List<Request> next = new ArrayList<>();
        while (next.size() < count) {
            int chosen = random.nextInt(earlier.size());
            Request request = earlier.get(chosen);
            int[] answer = answers.get(chosen).get(0).tokens.toArray(0);
            String turn = (answer[answer.length - 1] == END ? "" : "<|im_end|>") + "\n<|im_start|>user\n"
                    + anyOf(QUESTIONS) + "<|im_end|>\n<|im_start|>assistant\n";
            PreparedPrompt prompt = model.continued(request.prompt(), answer, turn);
            if (prompt.tokenIds().length < LONGEST_PROMPT) {
                next.add(request(prompt, request));
            }
        }
        return next;
    }

    private Request request(PreparedPrompt prompt, Request earlier) {
        int choices = random.nextInt(4) == 0 ? 2 + random.nextInt(3) : 1;
        Grammar grammar = random.nextInt(4) == 0 ? anyOf(grammars) : null;
        return new Request(
                drawn++, prompt, params(prompt.tokenIds().length), choices, random.nextInt(3), grammar, earlier);
    }

    /** Some answers end where a block does. */
    private GenerationParams params(int promptLength) {
        int maxTokens = random.nextInt(3) == 0 ? 32 - promptLength % 16 : 1 + random.nextInt(40);
        int[] stops = random.nextInt(6) == 0 ? random.ints(40, 0, 900).toArray() : new int[0];
        return GenerationParams.builder(sampling(maxTokens, stops), maxTokens)
                .stopTokenIds(stops)
                .eosTokenIds(random.nextInt(3) == 0 ? new int[0] : new int[] {END})
                .stop(random.nextInt(4) == 0 ? List.of(" and a", "e", "三") : List.of())
                .includeStop(random.nextBoolean())
                .logprobs(random.nextInt(8) == 0 ? 2 : -1)
                .promptLogprobs(random.nextInt(8) == 0 ? 1 : -1)
                .badWords(random.nextInt(6) == 0 ? List.of(new int[] {260, 311}, new int[] {13, END}) : List.of())
                .build();
    }

    private SamplingParams sampling(int maxTokens, int[] stops) {
        return SamplingParams.builder()
                .temperature(random.nextInt(3) == 0 ? 0 : 0.2f + random.nextFloat())
                .topP(random.nextInt(3) == 0 ? 0.9f : 1)
                .topK(random.nextInt(3) == 0 ? 20 : 0)
                .minP(random.nextInt(3) == 0 ? 0.05f : 0)
                .repetitionPenalty(random.nextInt(3) == 0 ? 1.3f : 1)
                .presencePenalty(random.nextInt(3) == 0 ? 0.8f : 0)
                .frequencyPenalty(random.nextInt(3) == 0 ? 0.5f : 0)
                .seed(random.nextLong())
                .bias(random.nextInt(3) == 0 ? new int[] {7, 260, END} : new int[0], new float[] {3, 2, -4})
                .allowedIds(
                        random.nextInt(8) == 0
                                ? random.ints(200, 0, 1024).distinct().sorted().toArray()
                                : null)
                .bannedIds(random.nextInt(3) == 0 ? new int[] {260, 311} : new int[0])
                .minTokens(random.nextInt(3) == 0 ? random.nextInt(maxTokens) : 0)
                .stopIds(IntStream.concat(Arrays.stream(stops), IntStream.of(END))
                        .toArray())
                .build();
    }

    private <T> T anyOf(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }
}
