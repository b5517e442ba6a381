package dev.millrace.model.forward;

import dev.millrace.model.config.ModelConfig.VisionConfig;

/**
 * In which order and within which bounds the vision tower looks at one picture or video (transformers
 * {@code modeling_qwen2_5_vl.py}, {@code get_window_index} and {@code rot_pos_emb}). A unit is mergeSize² patches, which
 * become one token; units are reordered so that a window's lie together. Windows never cross frames and never are empty.
 *
 * @param windowOrder [P/mergeSize²] which unit, in the order of the tokens, comes at each place
 * @param windowBounds [windows+1] where each window starts, in patches
 * @param frameBounds [frames+1] where each frame starts, in patches
 * @param positions [2·P] row and then column of each patch, in window order
 */
public record VisionPlan(int[] windowOrder, int[] windowBounds, int[] frameBounds, int[] positions) {

    /** The plan for a grid of {@code t × h × w} patches. */
    public static VisionPlan of(int t, int h, int w, VisionConfig config) {
        int merge = config.spatialMergeSize();
        int window = config.windowSize() / merge / config.patchSize();
        int unit = merge * merge;
        int rows = h / merge;
        int columns = w / merge;
        int[] order = new int[t * rows * columns];
        int[] bounds = new int[t * windows(rows, window) * windows(columns, window) + 1];
        int next = 0;
        int windows = 0;
        for (int frame = 0; frame < t; frame++) {
            for (int top = 0; top < rows; top += window) {
                for (int left = 0; left < columns; left += window) {
                    for (int row = top; row < Math.min(rows, top + window); row++) {
                        for (int column = left; column < Math.min(columns, left + window); column++) {
                            order[next++] = (frame * rows + row) * columns + column;
                        }
                    }
                    bounds[++windows] = next * unit;
                }
            }
        }
        int[] frames = new int[t + 1];
        for (int frame = 1; frame <= t; frame++) {
            frames[frame] = frame * h * w;
        }
        return new VisionPlan(order, bounds, frames, positions(order, rows, columns, merge));
    }

    private static int windows(int units, int window) {
        return (units + window - 1) / window;
    }

    private static int[] positions(int[] order, int rows, int columns, int merge) {
        int unit = merge * merge;
        int patches = order.length * unit;
        int[] positions = new int[2 * patches];
        for (int patch = 0; patch < patches; patch++) {
            int place = order[patch / unit] % (rows * columns);
            positions[patch] = place / columns * merge + patch % unit / merge;
            positions[patches + patch] = place % columns * merge + patch % merge;
        }
        return positions;
    }
}
