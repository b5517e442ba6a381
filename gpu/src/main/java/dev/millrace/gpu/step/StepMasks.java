package dev.millrace.gpu.step;

import dev.millrace.model.executor.ForwardBatch;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The masks of a step's samples, numbered in the order of their samples; those that samples share once. */
public final class StepMasks {

    private static final int NONE = -1;

    private final List<int[]> masks = new ArrayList<>();
    private final int[] numbers;

    private StepMasks(int samples) {
        numbers = new int[samples];
    }

    public static StepMasks of(ForwardBatch batch) {
        var all = new StepMasks(batch.numSamples());
        Map<int[], Integer> known = new IdentityHashMap<>();
        for (int i = 0; i < batch.numSamples(); i++) {
            int[] mask = batch.allowed(i);
            all.numbers[i] = mask == null ? NONE : known.computeIfAbsent(mask, all::add);
        }
        return all;
    }

    private int add(int[] mask) {
        masks.add(mask);
        return masks.size() - 1;
    }

    /** All of them, in order. */
    public List<int[]> masks() {
        return masks;
    }

    /** Number of a sample's mask, or −1. */
    int number(int sample) {
        return numbers[sample];
    }
}
