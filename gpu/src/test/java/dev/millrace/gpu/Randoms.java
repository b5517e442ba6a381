package dev.millrace.gpu;

import java.util.Random;

/** Random arrays, the same for a seed. */
public final class Randoms {

    private final Random random;

    public Randoms(long seed) {
        random = new Random(seed);
    }

    /** Normally distributed. */
    public float[] normal(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** From the first to the second, both included. */
    public int between(int from, int to) {
        return from + random.nextInt(to - from + 1);
    }

    /** 0 to count-1 in disorder. */
    public int[] permutation(int count) {
        int[] order = new int[count];
        for (int i = 0; i < count; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
