package dev.millrace.model.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.checkpoint.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {

    private static final Path GOLDEN = Path.of(System.getProperty("millrace.root"), "golden");
    private static final int[] NONE = {};

    @ParameterizedTest
    @ValueSource(strings = {"sampling-a", "sampling-b"})
    void probabilitiesAgreeWithTheReference(String file) throws IOException {
        JsonNode cases =
                new ObjectMapper().readTree(GOLDEN.resolve(file + ".json").toFile());
        assertThat(cases).isNotEmpty();
        try (SafetensorsFile tensors = SafetensorsFile.open(GOLDEN.resolve(file + ".safetensors"))) {
            for (JsonNode c : cases) {
                String name = c.get("case").asText();
                float[] logits = floats(tensors.tensor(name + ".logits"));
                float[] expected = floats(tensors.tensor(name + ".probs"));
                TokenCounts counts = new TokenCounts();
                IntStream.of(ints(tensors.tensor(name + ".prompt"))).forEach(counts::addPrompt);
                IntStream.of(ints(tensors.tensor(name + ".output"))).forEach(counts::addOutput);
                Sampler sampler = new Sampler(logits.length);
                float[] actual = sampler.probabilities(logits, 0, new Sampler.Context(params(c), counts, 0, 0, 0));
                for (int i = 0; i < actual.length; i++) {
                    assertThat(actual[i])
                            .as("%s case %s token %d", file, name, i)
                            .isCloseTo(expected[i], within(1e-5f));
                }
            }
        }
    }

    @Test
    void drawsFollowTheProbabilities() {
        int draws = 40_000;
        float[] logits = {2f, 1f, 0.5f, 0f, -1f, 3f, 2.5f, -0.5f};
        SamplingParams params = params(0.8f, 0.95f, 6, 0.01f, 42);
        Sampler sampler = new Sampler(logits.length);
        float[] probabilities = sampler.probabilities(logits, 0, context(params, 0, 0));
        int[] drawn = new int[logits.length];
        for (int position = 0; position < draws; position++) {
            drawn[sampler.sample(logits, 0, context(params, position % 2, position / 2))]++;
        }
        double chiSquare = 0;
        int degrees = -1;
        for (int token = 0; token < logits.length; token++) {
            double expected = draws * (double) probabilities[token];
            if (expected == 0) {
                assertThat(drawn[token]).isZero();
            } else {
                chiSquare += (drawn[token] - expected) * (drawn[token] - expected) / expected;
                degrees++;
            }
        }
        assertThat(degrees).isEqualTo(3);
        assertThat(chiSquare).isLessThan(16.27); // one in a thousand at three degrees of freedom
    }

    @Test
    void drawsFromALargeVocabularyFollowItsTail() {
        int vocabulary = 20_000;
        float[] logits = new float[vocabulary]; // equally likely
        Sampler sampler = new Sampler(vocabulary);
        SamplingParams params = params(1, 1, 0, 0, 7);
        int[] tenths = new int[10];
        for (int position = 0; position < 2_000; position++) {
            tenths[sampler.sample(logits, 0, context(params, 0, position)) / (vocabulary / 10)]++;
        }
        double chiSquare = 0;
        for (int count : tenths) {
            chiSquare += (count - 200.0) * (count - 200.0) / 200.0;
        }
        assertThat(chiSquare).isLessThan(27.88); // one in a thousand at nine degrees of freedom
    }

    @Test
    void aDrawDependsOnSeedChoiceAndPositionAlone() {
        float[] logits = randomLogits(500, 1);
        int[] first = draws(logits, 9, 0, 100);
        assertThat(draws(logits, 9, 0, 100)).isEqualTo(first);
        assertThat(draws(logits, 10, 0, 100)).isNotEqualTo(first);
        assertThat(draws(logits, 9, 1, 100)).isNotEqualTo(first);
        float[] shifted = new float[600];
        System.arraycopy(logits, 0, shifted, 100, 500);
        Sampler sampler = new Sampler(500);
        for (int position = 0; position < 100; position++) {
            assertThat(sampler.sample(shifted, 100, context(params(1, 1, 0, 0, 9), 0, position)))
                    .isEqualTo(first[position]);
        }
    }

    @Test
    void skippingHopelessTokensNeverChangesTheDraw() {
        float[] logits = randomLogits(300, 2);
        for (int position = 0; position < 200; position++) {
            GumbelNoise noise = new GumbelNoise(5, 0, position);
            int best = 0;
            for (int token = 1; token < logits.length; token++) {
                if (logits[token] + noise.of(token) > logits[best] + noise.of(best)) {
                    best = token;
                }
            }
            int drawn = new Sampler(300).sample(logits, 0, context(params(1, 1, 0, 0, 5), 0, position));
            assertThat(drawn).isEqualTo(best);
        }
    }

    @Test
    void greedyTakesTheLowestOfTheLikeliest() {
        float[] logits = {1, 3, 2, 3};
        assertThat(new Sampler(4).sample(logits, 0, context(SamplingParams.greedy(), 0, 0)))
                .isEqualTo(1);
    }

    @Test
    void onlyAllowedTokensAreDrawnAndBannedOnesNever() {
        float[] logits = randomLogits(50, 3);
        SamplingParams params = SamplingParams.builder()
                .temperature(2)
                .seed(3)
                .allowedIds(4, 8, 15, 16, 23)
                .bannedIds(8)
                .build();
        Sampler sampler = new Sampler(50);
        for (int position = 0; position < 200; position++) {
            int drawn = sampler.sample(logits, 0, new Sampler.Context(params, null, 0, 0, position, new int[] {15}));
            assertThat(drawn).isIn(4, 16, 23);
        }
    }

    @Test
    void aMaskLeavesOnlyItsTokensAndIsKeptWhereBansLeaveNone() {
        float[] logits = randomLogits(50, 3);
        int[] mask = {1 << 4 | 1 << 31, 1 << (40 - 32)};
        SamplingParams params =
                SamplingParams.builder().temperature(2).seed(3).bannedIds(4).build();
        Sampler sampler = new Sampler(50);
        Set<Integer> drawn = new HashSet<>();
        for (int position = 0; position < 200; position++) {
            drawn.add(sampler.sample(logits, 0, new Sampler.Context(params, null, 0, 0, position, NONE, mask)));
        }
        assertThat(drawn).containsExactlyInAnyOrder(31, 40);
        int[] both = {31, 40};
        int likelier = logits[31] > logits[40] ? 31 : 40;
        likelier = logits[4] > logits[likelier] ? 4 : likelier;
        assertThat(sampler.sample(logits, 0, new Sampler.Context(params, null, 0, 0, 0, both, mask)))
                .isEqualTo(likelier);
        assertThat(sampler.sample(
                        logits,
                        0,
                        new Sampler.Context(SamplingParams.greedy(), null, 0, 0, 0, new int[] {4, 31}, mask)))
                .isEqualTo(40);
    }

    @Test
    void stopTokensWaitForTheMinimumLength() {
        float[] logits = {0, 9, 1};
        SamplingParams params = SamplingParams.builder().minTokens(3).stopIds(1).build();
        Sampler sampler = new Sampler(3);
        assertThat(sampler.sample(logits, 0, new Sampler.Context(params, null, 2, 0, 0)))
                .isEqualTo(2);
        assertThat(sampler.sample(logits, 0, new Sampler.Context(params, null, 3, 0, 0)))
                .isEqualTo(1);
    }

    @Test
    void aBiasMovesATokenToTheTop() {
        float[] logits = {0, 9, 1};
        SamplingParams params =
                SamplingParams.builder().bias(new int[] {2}, new float[] {100}).build();
        assertThat(new Sampler(3).sample(logits, 0, context(params, 0, 0))).isEqualTo(2);
    }

    @Test
    void whereEverythingIsBannedTheLikeliestIsTaken() {
        float[] logits = {1, 5, 2};
        for (float temperature : new float[] {0, 1}) {
            SamplingParams params = SamplingParams.builder()
                    .temperature(temperature)
                    .bannedIds(0, 1, 2)
                    .build();
            assertThat(new Sampler(3).sample(logits, 0, context(params, 0, 0))).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1})
    void whereNoAllowedTokenIsPossibleTheFirstOfThemIsTaken(float temperature) {
        float[] logits = {4, 3, Float.NEGATIVE_INFINITY, Float.NaN, Float.NEGATIVE_INFINITY, Float.NaN, 9, 1};
        assertThat(draw(logits, drawing(temperature, null), mask(2, 4))).isEqualTo(2);
        assertThat(draw(logits, drawing(temperature, null), mask(3, 4))).isEqualTo(3);
        assertThat(draw(logits, drawing(temperature, new int[] {4, 5}), null)).isEqualTo(4);
        assertThat(draw(logits, drawing(temperature, new int[] {3, 4, 6}), mask(2, 4, 5, 7)))
                .as("what mask and parameters allow")
                .isEqualTo(4);
        assertThat(draw(logits, drawing(temperature, new int[] {0, 6}), mask(1, 2, 7)))
                .as("they have nothing in common: the mask wins")
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1})
    void aRowWithoutANumberIsAnsweredWithTheFirstToken(float temperature) {
        float[] logits = {Float.NaN, Float.NEGATIVE_INFINITY, Float.NaN};
        Sampler sampler = new Sampler(3);
        Sampler.Context context = context(drawing(temperature, null), 0, 0);
        assertThat(sampler.sample(logits, 0, context)).isZero();
        assertThat(sampler.probabilities(logits, 0, context)).containsExactly(1, 0, 0);
        Logprobs logprobs = Logprobs.of(logits, 0, 3, 0, 3);
        assertThat(logprobs.logprob()).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(logprobs.rank()).isOne();
        assertThat(logprobs.topIds()).containsExactly(0, 1, 2);
        assertThat(logprobs.topLogprobs()).containsOnly(Float.NEGATIVE_INFINITY);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1})
    void aLogitThatIsNoNumberIsNeverDrawnBesideOneThatIs(float temperature) {
        float[] logits = {Float.NaN, -5, Float.NaN};
        assertThat(draw(logits, drawing(temperature, null), null)).isEqualTo(1);
        Sampler.Context banning = new Sampler.Context(drawing(temperature, null), null, 0, 0, 0, new int[] {1});
        assertThat(new Sampler(3).sample(new float[] {Float.NaN, 5, 1}, 0, banning))
                .as("and the bans hold")
                .isEqualTo(2);
        Logprobs few = Logprobs.of(logits, 0, 3, 1, 3);
        assertThat(few.logprob()).isZero();
        assertThat(few.topIds()).containsExactly(1, 0, 2);
        assertThat(few.topLogprobs()).containsExactly(0, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY);
        float[] many = new float[100];
        Arrays.fill(many, Float.NaN);
        many[70] = 1;
        assertThat(Logprobs.of(many, 0, 100, 70, 100).topIds())
                .startsWith(70, 0, 1)
                .endsWith(98, 99);
    }

    @Test
    void whereBansLeaveNoneTheParametersStillAllowTheirTokensAlone() {
        float[] logits = {9, 1, 5, 2};
        Sampler.Context context =
                new Sampler.Context(drawing(1, new int[] {1, 3}), null, 0, 0, 0, new int[] {0, 1, 2, 3});
        assertThat(new Sampler(4).sample(logits, 0, context)).isEqualTo(3);
    }

    @Test
    void logprobsAreThoseOfTheRawLogits() {
        float[] logits = {0, (float) Math.log(2), (float) Math.log(5), (float) Math.log(2)};
        Logprobs logprobs = Logprobs.of(logits, 0, 4, 1, 3);
        assertThat(logprobs.logprob()).isCloseTo((float) Math.log(0.2), within(1e-6f));
        assertThat(logprobs.rank()).isEqualTo(2);
        assertThat(logprobs.topIds()).containsExactly(2, 1, 3);
        assertThat(logprobs.topLogprobs()[0]).isCloseTo((float) Math.log(0.5), within(1e-6f));
        assertThat(Logprobs.of(logits, 0, 4, 0, 0).topIds()).isEmpty();
        assertThat(Logprobs.of(logits, 0, 4, 0, 4).topIds()).containsExactly(2, 1, 3, 0);
    }

    @Test
    void logprobsOfTheWholeVocabularyAreInTheSameOrderAsThoseOfAFew() {
        float[] logits = randomLogits(200, 6);
        logits[150] = logits[20];
        int[] all = Logprobs.of(logits, 0, 200, 0, 200).topIds();
        assertThat(all)
                .hasSize(200)
                .startsWith(Logprobs.of(logits, 0, 200, 0, 64).topIds());
        for (int i = 1; i < all.length; i++) {
            assertThat(logits[all[i - 1]]).isGreaterThanOrEqualTo(logits[all[i]]);
        }
    }

    @Test
    void philoxGivesThePublishedWords() {
        int[] words = new int[4];
        Philox.generate(0, 0, 0, 0, 0, words); // Random123, kat_vectors
        assertThat(words).containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        Philox.generate(0x299f31d0a4093822L, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, words);
        assertThat(words).containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    @Test
    void ownExponentialAndLogarithmAgreeWithTheLibrarys() {
        Random random = new Random(4);
        for (int i = 0; i < 10_000; i++) {
            double x = random.nextDouble() * 100 - 80;
            assertThat(DoubleMath.exp(x)).isCloseTo(StrictMath.exp(x), within(1e-14 * StrictMath.exp(x)));
            double y = StrictMath.exp(x / 2);
            double log = StrictMath.log(y);
            assertThat(DoubleMath.log(y)).isCloseTo(log, within(1e-14 * Math.max(1, Math.abs(log))));
        }
        assertThat(DoubleMath.exp(0)).isEqualTo(1);
        assertThat(DoubleMath.exp(Double.NEGATIVE_INFINITY)).isZero();
        assertThat(DoubleMath.log(1)).isZero();
    }

    private static int[] draws(float[] logits, long seed, int choice, int count) {
        Sampler sampler = new Sampler(logits.length);
        return IntStream.range(0, count)
                .map(position -> sampler.sample(logits, 0, context(params(1, 1, 0, 0, seed), choice, position)))
                .toArray();
    }

    private static int draw(float[] logits, SamplingParams params, int[] mask) {
        return new Sampler(logits.length).sample(logits, 0, new Sampler.Context(params, null, 0, 0, 0, NONE, mask));
    }

    private static int[] mask(int... ids) {
        return new int[] {IntStream.of(ids).map(id -> 1 << id).sum()};
    }

    private static SamplingParams drawing(float temperature, int[] allowed) {
        return SamplingParams.builder()
                .temperature(temperature)
                .seed(3)
                .allowedIds(allowed)
                .build();
    }

    private static Sampler.Context context(SamplingParams params, int choice, int position) {
        return new Sampler.Context(params, null, 0, choice, position);
    }

    private static SamplingParams params(float temperature, float topP, int topK, float minP, long seed) {
        return SamplingParams.builder()
                .temperature(temperature)
                .topP(topP)
                .topK(topK)
                .minP(minP)
                .seed(seed)
                .build();
    }

    private static SamplingParams params(JsonNode json) {
        return SamplingParams.builder()
                .temperature((float) json.get("temperature").asDouble())
                .topP((float) json.get("top_p").asDouble())
                .topK(json.get("top_k").asInt())
                .minP((float) json.get("min_p").asDouble())
                .repetitionPenalty((float) json.get("repetition_penalty").asDouble())
                .presencePenalty((float) json.get("presence_penalty").asDouble())
                .frequencyPenalty((float) json.get("frequency_penalty").asDouble())
                .build();
    }

    private static float[] randomLogits(int count, long seed) {
        Random random = new Random(seed);
        float[] logits = new float[count];
        for (int i = 0; i < count; i++) {
            logits[i] = (float) random.nextGaussian() * 2;
        }
        return logits;
    }

    private static float[] floats(Tensor tensor) {
        float[] values = new float[(int) tensor.numElements()];
        tensor.data().asFloatBuffer().get(values);
        return values;
    }

    private static int[] ints(Tensor tensor) {
        int[] values = new int[(int) tensor.numElements()];
        tensor.data().asIntBuffer().get(values);
        return values;
    }
}
