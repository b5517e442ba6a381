package dev.millrace.job.check;

import dev.millrace.model.executor.Probe;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Keeps what the decoder's layers and the tower's blocks leave in the steps that are computed meanwhile. */
final class HiddenStates implements Probe {

    private final Map<Integer, float[]> layers = new TreeMap<>();
    private final Map<Integer, float[]> blocks = new TreeMap<>();

    @Override
    public synchronized void layer(int layer, float[] x) {
        layers.put(layer, x);
    }

    @Override
    public synchronized void visionBlock(int block, float[] v) {
        blocks.merge(block, v, HiddenStates::join);
    }

    /** Rows of what a decoder layer left in the latest step. */
    synchronized float[] ofLayer(int layer, int[] rows, int width) {
        return rows(layers.get(layer), rows, width);
    }

    /** Rows of what a block of the tower left, all media one after another. */
    synchronized float[] ofBlock(int block, int[] rows, int width) {
        return rows(blocks.get(block), rows, width);
    }

    private static float[] rows(float[] all, int[] rows, int width) {
        float[] some = new float[rows.length * width];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(all, rows[i] * width, some, i * width, width);
        }
        return some;
    }

    private static float[] join(float[] first, float[] second) {
        float[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
