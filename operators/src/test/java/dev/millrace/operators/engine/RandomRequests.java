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

    private static final int BLOCK_SIZE = 16;
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

    private static final List<int[]> BAD_WORDS =
            List.of(new int[] {260, 260}, new int[] {13, 13}, new int[] {13, END}, new int[] {260, 311});

    private final DemoModel model;
    private final double boundShare;
    private final List<Grammar> grammars;
    private final Random random;
    private final List<List<Message>> topics = new ArrayList<>();
    private int drawn;
    private boolean plain; // of the request that is drawn

    /** @param boundShare share of requests whose answers are bound to a grammar */
    RandomRequests(DemoModel model, double boundShare, long seed) {
        this.model = model;
        this.boundShare = boundShare;
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

    /** Requests that go on behind the first answers to some of these, or behind a wrong guess in their midst. */
    List<Request> next(List<Request> earlier, List<List<Answer>> answers, int count) {
        List<Request> next = new ArrayList<>();
        while (next.size() < count) {
            int chosen = random.nextInt(earlier.size());
            PreparedPrompt before = earlier.get(chosen).prompt();
            int[] answer = answers.get(chosen).get(0).tokens.toArray(0);
            PreparedPrompt prompt = random.nextBoolean()
                    ? model.continued(before, answer, turn(answer))
                    : model.continued(before, guess(before.tokenIds(), answer), "");
            if (prompt.tokenIds().length < LONGEST_PROMPT) {
                next.add(request(prompt, earlier.get(chosen)));
            }
        }
        return next;
    }

    private String turn(int[] answer) {
        String end = answer[answer.length - 1] == END ? "" : "<|im_end|>";
        return end + "\n<|im_start|>user\n" + anyOf(QUESTIONS) + "<|im_end|>\n<|im_start|>assistant\n";
    }

    /** An answer's start, nearly to the end of a block, and behind it what its last token was first followed by: a lookup's guess. */
    private static int[] guess(int[] prompt, int[] answer) {
        int start = answer.length;
        while (start > 1 && (prompt.length + start) % BLOCK_SIZE < BLOCK_SIZE - 3) {
            start--;
        }
        int[] tokens = Arrays.copyOf(prompt, prompt.length + start + 4);
        System.arraycopy(answer, 0, tokens, prompt.length, start);
        int last = prompt.length + start - 1;
        int found = 0;
        while (tokens[found] != tokens[last]) {
            found++;
        }
        for (int i = 1; i <= 4; i++) {
            tokens[last + i] = tokens[found + i];
        }
        return Arrays.copyOfRange(tokens, prompt.length, tokens.length);
    }

    private Request request(PreparedPrompt prompt, Request earlier) {
        int choices = random.nextInt(4) == 0 ? 2 + random.nextInt(3) : 1;
        Grammar grammar = random.nextDouble() < boundShare ? anyOf(grammars) : null;
        return new Request(
                drawn++,
                prompt,
                params(prompt.tokenIds().length, earlier == null ? 8 : 2),
                choices,
                random.nextInt(3),
                grammar,
                earlier);
    }

    /**
     * Many answers end where a block does.
     *
     * @param oneInScored how many of which one tells log-probabilities, which show what tokens may hide
     */
    private GenerationParams params(int promptLength, int oneInScored) {
        boolean fillsBlock = random.nextInt(3) == 0;
        int maxTokens =
                fillsBlock ? BLOCK_SIZE * (1 + random.nextInt(2)) - promptLength % BLOCK_SIZE : 1 + random.nextInt(40);
        int[] stops = random.nextInt(6) == 0 ? random.ints(40, 0, 900).toArray() : new int[0];
        return GenerationParams.builder(sampling(maxTokens, stops), maxTokens)
                .stopTokenIds(stops)
                .eosTokenIds(fillsBlock || random.nextInt(4) == 0 ? new int[0] : new int[] {END})
                .stop(random.nextInt(4) == 0 ? List.of(" and a", "e", "三") : List.of())
                .includeStop(random.nextBoolean())
                .logprobs(random.nextInt(oneInScored) == 0 ? 2 : -1)
                .promptLogprobs(random.nextInt(8) == 0 ? 1 : -1)
                .badWords(random.nextInt(4) == 0 ? BAD_WORDS : List.of())
                .build();
    }

    private SamplingParams sampling(int maxTokens, int[] stops) {
        plain = random.nextInt(3) == 0;
        return SamplingParams.builder()
                .temperature(random.nextInt(3) == 0 ? 0 : 0.2f + random.nextFloat())
                .topP(changes(3) ? 0.9f : 1)
                .topK(changes(3) ? 20 : 0)
                .minP(changes(3) ? 0.05f : 0)
                .repetitionPenalty(changes(3) ? 1.3f : 1)
                .presencePenalty(changes(3) ? 0.8f : 0)
                .frequencyPenalty(changes(3) ? 0.5f : 0)
                .seed(random.nextLong())
                .bias(changes(3) ? new int[] {7, 260, END} : new int[0], new float[] {3, 2, -4})
                .allowedIds(
                        changes(8)
                                ? random.ints(200, 0, 1024).distinct().sorted().toArray()
                                : null)
                .bannedIds(changes(3) ? new int[] {260, 311} : new int[0])
                .minTokens(random.nextInt(3) == 0 ? random.nextInt(maxTokens) : 0)
                .stopIds(IntStream.concat(Arrays.stream(stops), IntStream.of(END))
                        .toArray())
                .build();
    }

    /** Whether a draw is changed in some way, as one in so many are. */
    private boolean changes(int oneIn) {
        return !plain && random.nextInt(oneIn) == 0;
    }

    private <T> T anyOf(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }
}
