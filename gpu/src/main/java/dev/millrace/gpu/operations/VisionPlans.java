package dev.millrace.gpu.operations;

import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.VisionPlan;
import java.util.List;

/**
 * The plans of several pictures and videos that go through the tower together, one behind the other.
 *
 * @param patches of all items
 * @param order [P/4] which unit of patches, in the order of the tokens of all items, comes at each place of the windows
 * @param mediaRows [P/4] row of the media buffer for each unit in the order of the windows
 * @param windows segments of attention within windows
 * @param frames segments of attention within frames
 * @param positions [2, P] row and then column of each patch, in the order of the windows
 */
record VisionPlans(int patches, int[] order, int[] mediaRows, Bounds windows, Bounds frames, int[] positions) {

    /**
     * Segments of patches.
     *
     * @param starts [segments+1] where each starts, and the end
     * @param longest patches of the longest
     */
    record Bounds(int[] starts, int longest) {

        int count() {
            return starts.length - 1;
        }

        private static Bounds join(List<int[]> parts) {
            int[] starts =
                    new int[parts.stream().mapToInt(part -> part.length - 1).sum() + 1];
            int longest = 0;
            int next = 0;
            int base = 0;
            for (int[] part : parts) {
                for (int i = 1; i < part.length; i++) {
                    starts[++next] = base + part[i];
                    longest = Math.max(longest, part[i] - part[i - 1]);
                }
                base = starts[next];
            }
            return new Bounds(starts, longest);
        }
    }

    static VisionPlans of(List<MediaInput> items, VisionConfig config) {
        int unit = config.spatialMergeSize() * config.spatialMergeSize();
        List<VisionPlan> plans = items.stream()
                .map(MediaInput::item)
                .map(item -> VisionPlan.of(item.gridT(), item.gridH(), item.gridW(), config))
                .toList();
        int patches =
                items.stream().mapToInt(input -> input.item().numPatches()).reduce(0, Math::addExact);
        int[] order = new int[patches / unit];
        int[] mediaRows = new int[patches / unit];
        int[] positions = new int[2 * patches];
        int base = 0;
        for (int i = 0; i < plans.size(); i++) {
            int[] own = plans.get(i).windowOrder();
            for (int at = 0; at < own.length; at++) {
                order[base + at] = base + own[at];
                mediaRows[base + at] = items.get(i).rows()[own[at]];
            }
            int[] axes = plans.get(i).positions();
            int count = axes.length / 2;
            System.arraycopy(axes, 0, positions, base * unit, count);
            System.arraycopy(axes, count, positions, patches + base * unit, count);
            base += own.length;
        }
        return new VisionPlans(
                patches,
                order,
                mediaRows,
                Bounds.join(plans.stream().map(VisionPlan::windowBounds).toList()),
                Bounds.join(plans.stream().map(VisionPlan::frameBounds).toList()),
                positions);
    }
}
