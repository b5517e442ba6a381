package dev.millrace.cpu.operations;

import dev.millrace.cpu.kernel.AttentionKernel;
import dev.millrace.cpu.kernel.Kernels;

/**
 * Keys and values in units of 16 tokens, laid out for {@link AttentionKernel}: keys [unit][head][hd][16], values
 * [unit][head][16][padded hd], in single precision. For text a unit is a block of the cache.
 */
final class KeyValueStore {

    static final int UNIT = Kernels.LANES;

    private final int heads;
    private final int headDim;
    private final int valueDim;
    private final float[] keys;
    private final float[] values;

    KeyValueStore(int units, int heads, int headDim) {
        this.heads = heads;
        this.headDim = headDim;
        this.valueDim = padDim(headDim);
        this.keys = new float[Math.toIntExact((long) units * heads * headDim * UNIT)];
        this.values = new float[Math.toIntExact((long) units * heads * valueDim * UNIT)];
    }

    /** Bytes of one unit's keys and values. */
    static long unitBytes(int heads, int headDim) {
        return (long) Float.BYTES * heads * UNIT * (headDim + padDim(headDim));
    }

    /** Most units that Java arrays can hold. */
    static int maxUnits(int heads, int headDim) {
        return (Integer.MAX_VALUE - 8) / (heads * UNIT * padDim(headDim));
    }

    private static int padDim(int headDim) {
        return (headDim + AttentionKernel.DIMENSIONS - 1) / AttentionKernel.DIMENSIONS * AttentionKernel.DIMENSIONS;
    }

    int headDim() {
        return headDim;
    }

    /** Values in a token's row, the padding included. */
    int valueDim() {
        return valueDim;
    }

    float[] keys() {
        return keys;
    }

    float[] values() {
        return values;
    }

    /** Where a unit's keys of a head start. */
    int keyOffset(int unit, int head) {
        return (unit * heads + head) * headDim * UNIT;
    }

    /** Where a unit's values of a head start. */
    int valueOffset(int unit, int head) {
        return (unit * heads + head) * valueDim * UNIT;
    }

    /** Stores one token's key and value of one head. */
    void put(int unit, int slot, int head, float[] source, int key, int value) {
        int keyTo = keyOffset(unit, head) + slot;
        for (int d = 0; d < headDim; d++) {
            keys[keyTo + d * UNIT] = source[key + d];
        }
        System.arraycopy(source, value, values, valueOffset(unit, head) + slot * valueDim, headDim);
    }

    /** Copies a unit. */
    void copy(int from, int to) {
        int keyLength = heads * headDim * UNIT;
        int valueLength = heads * valueDim * UNIT;
        System.arraycopy(keys, from * keyLength, keys, to * keyLength, keyLength);
        System.arraycopy(values, from * valueLength, values, to * valueLength, valueLength);
    }
}
