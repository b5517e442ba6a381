package dev.millrace.gpu.sampling;

import dev.millrace.model.sampling.SamplingParams;
import java.util.Random;
import java.util.stream.IntStream;

/** Random parameters and logits, the awkward ones among them. */
final class RandomDraws {

    private static final int[] NONE = {};
    private static final float[] PROBABILITIES = {1, 1, 0.999f, 0.95f, 0.8f, 0.5f, 0.1f, 1e-6f, Float.MIN_VALUE};

    private final Random random;
    private final int vocabSize;

    RandomDraws(long seed, int vocabSize) {
        this.random = new Random(seed);
        this.vocabSize = vocabSize;
    }

    SamplingParams params() {
        boolean greedy = random.nextInt(5) == 0;
        boolean biased = random.nextInt(4) == 0;
        int[] biasIds = biased ? ids(1 + random.nextInt(20)) : NONE;
        float[] biases = new float[biasIds.length];
        for (int i = 0; i < biases.length; i++) {
            biases[i] = (float) random.nextGaussian() * 5;
        }
        return SamplingParams.builder()
                .temperature(greedy ? 0 : pick(0.01f, 0.3f, 0.7f, 1, 1.3f, 2.5f))
                .topP(greedy ? 1 : pick(PROBABILITIES))
                .topK(greedy ? 0 : (int) pick(0, 0, 1, 2, 5, 20, 50, vocabSize / 2, vocabSize - 1, vocabSize, 1 << 30))
                .minP(greedy ? 0 : pick(0, 0, 0, 0.001f, 0.05f, 0.5f, 1))
                .repetitionPenalty(pick(1, 1, 1.05f, 1.5f, 0.5f))
                .presencePenalty(pick(0, 0, 0.5f, -0.7f))
                .frequencyPenalty(pick(0, 0, 0.3f, -0.2f))
                .seed(random.nextLong())
                .bias(biasIds, biases)
                .allowedIds(random.nextInt(6) == 0 ? ids(1 + random.nextInt(vocabSize / 2)) : null)
                .bannedIds(random.nextInt(4) == 0 ? ids(1 + random.nextInt(30)) : NONE)
                .minTokens(random.nextInt(3) == 0 ? 3 : 0)
                .stopIds(ids(1 + random.nextInt(4)))
                .build();
    }

    /** Distinct, ascending. */
    int[] ids(int most) {
        return IntStream.generate(() -> random.nextInt(vocabSize))
                .limit(most)
                .sorted()
                .distinct()
                .toArray();
    }

    float[] logits() {
        float[] logits = new float[vocabSize];
        float scale = pick(0.1f, 1, 3, 10);
        float grid = pick(0, 0, 0.5f, 2);
        float impossible = pick(0, 0, 0.1f, 0.9f);
        boolean same = random.nextInt(12) == 0;
        for (int i = 0; i < vocabSize; i++) {
            float x = same ? 1.5f : (float) random.nextGaussian() * scale;
            x = grid > 0 ? Math.round(x / grid) * grid : x;
            logits[i] = random.nextFloat() < impossible ? Float.NEGATIVE_INFINITY : x;
        }
        if (random.nextInt(6) == 0) {
            logits[random.nextInt(vocabSize)] = Float.NaN;
            logits[random.nextInt(3)] = Float.NaN;
        }
        return logits;
    }

    int upTo(int bound) {
        return random.nextInt(bound);
    }

    private float pick(float... values) {
        return values[random.nextInt(values.length)];
    }
}
