package dev.millrace.operators.kvcache;

import java.util.Arrays;

/** Ints that grow at the end. */
public final class IntList {

    private int[] values;
    private int size;

    public IntList(int capacity) {
        values = new int[Math.max(4, capacity)];
    }

    public int size() {
        return size;
    }

    public int get(int index) {
        return values[index];
    }

    public void add(int value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, 2 * size);
        }
        values[size++] = value;
    }

    /** Puts a value before the one that is at an index, or at the end. */
    public void insert(int index, int value) {
        add(value);
        System.arraycopy(values, index, values, index + 1, size - 1 - index);
        values[index] = value;
    }

    public void set(int index, int value) {
        values[index] = value;
    }

    public void addAll(int[] added) {
        if (size + added.length > values.length) {
            values = Arrays.copyOf(values, Math.max(2 * size, size + added.length));
        }
        System.arraycopy(added, 0, values, size, added.length);
        size += added.length;
    }

    public void clear() {
        size = 0;
    }

    /** Copies {@code count} values from {@code from} on. */
    public void copyTo(int from, int[] target, int at, int count) {
        System.arraycopy(values, from, target, at, count);
    }

    public int[] toArray(int from) {
        return Arrays.copyOfRange(values, from, size);
    }
}
