package dev.millrace.cpu.operations;

import java.util.Arrays;

/**
 * Stretches of patches that attend to each other, each starting at a unit of its own, and the items that attention is cut
 * into: four queries of one head of one stretch.
 */
final class Segments {

    private static final int UNIT = KeyValueStore.UNIT;

    private final int[] bounds; // [segments+1] in patches
    private final int[] firstUnit; // [segments+1]
    private final int[] firstItem; // [segments+1]
    private final int[] table; // every unit, in order
    private final int longest;

    Segments(int[] bounds, int heads) {
        this.bounds = bounds;
        firstUnit = new int[bounds.length];
        firstItem = new int[bounds.length];
        int most = 0;
        for (int s = 0; s + 1 < bounds.length; s++) {
            int length = bounds[s + 1] - bounds[s];
            firstUnit[s + 1] = firstUnit[s] + (length + UNIT - 1) / UNIT;
            firstItem[s + 1] = firstItem[s] + (length + Attention.QUERIES - 1) / Attention.QUERIES * heads;
            most = Math.max(most, length);
        }
        longest = most;
        table = new int[units()];
        Arrays.setAll(table, unit -> unit);
    }

    int units() {
        return firstUnit[firstUnit.length - 1];
    }

    int items() {
        return firstItem[firstItem.length - 1];
    }

    int longest() {
        return longest;
    }

    int[] table() {
        return table;
    }

    int ofPatch(int patch) {
        return locate(bounds, patch);
    }

    int ofItem(int item) {
        return locate(firstItem, item);
    }

    int start(int segment) {
        return bounds[segment];
    }

    int length(int segment) {
        return bounds[segment + 1] - bounds[segment];
    }

    int firstUnit(int segment) {
        return firstUnit[segment];
    }

    /** Items of a segment are ordered by head; this is the item's place among them. */
    int itemWithin(int item, int segment) {
        return item - firstItem[segment];
    }

    private static int locate(int[] starts, int value) {
        int found = Arrays.binarySearch(starts, value);
        return found >= 0 ? found : -found - 2;
    }
}
