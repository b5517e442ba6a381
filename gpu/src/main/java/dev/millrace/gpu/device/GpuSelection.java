package dev.millrace.gpu.device;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which GPUs this process may use, in groups of as many as one model is spread over. GPUs are meant by ordinal, counted
 * among those that {@code CUDA_VISIBLE_DEVICES} leaves visible, as the driver counts.
 *
 * @param groups disjoint, each of the same size
 */
public record GpuSelection(List<List<Integer>> groups) {

    /**
     * Takes Flink's external resource where there is one, else the user's choice, else all visible GPUs.
     *
     * @param indices of Flink's external resource {@code gpu}, as {@code nvidia-smi} numbers them; may be empty
     * @param gpuIds the value of {@code --gpu-ids}: ordinals with commas between
     * @param visibleDevices the environment's {@code CUDA_VISIBLE_DEVICES}
     * @param count of visible GPUs
     * @param size of a group: {@code --tensor-parallel-size}
     * @throws GpuUnavailableException where an index is none or fewer GPUs than a group are left
     */
    public static GpuSelection of(
            Collection<String> indices, Optional<String> gpuIds, Optional<String> visibleDevices, int count, int size) {
        Set<Integer> ordinals;
        String source;
        if (!indices.isEmpty()) {
            ordinals = ofResource(indices, visibleDevices);
            source = "Flink's external resource";
        } else if (gpuIds.isPresent()) {
            ordinals = ofList(gpuIds.get());
            source = "--gpu-ids";
        } else {
            ordinals = firstOf(count);
            source = "CUDA_VISIBLE_DEVICES";
        }
        for (int ordinal : ordinals) {
            if (ordinal >= count) {
                throw new GpuUnavailableException("%s names GPU %d and %d are visible: GPUs are numbered from 0"
                        .formatted(source, ordinal, count));
            }
        }
        if (ordinals.size() < size) {
            throw new GpuUnavailableException(
                    "--tensor-parallel-size %d needs as many GPUs and %s leaves %d: give more GPUs, or lower it"
                            .formatted(size, source, ordinals.size()));
        }
        return new GpuSelection(groupsOf(new ArrayList<>(ordinals), size));
    }

    /** GPUs that fill no whole group are left alone. */
    private static List<List<Integer>> groupsOf(List<Integer> ordinals, int size) {
        List<List<Integer>> groups = new ArrayList<>();
        for (int i = 0; i + size <= ordinals.size(); i += size) {
            groups.add(List.copyOf(ordinals.subList(i, i + size)));
        }
        return List.copyOf(groups);
    }

    private static Set<Integer> firstOf(int count) {
        Set<Integer> ordinals = new LinkedHashSet<>();
        for (int i = 0; i < count; i++) {
            ordinals.add(i);
        }
        return ordinals;
    }

    private static Set<Integer> ofList(String list) {
        Set<Integer> ordinals = new LinkedHashSet<>();
        for (String entry : list.split(",", -1)) {
            if (!ordinals.add(number(entry, "--gpu-ids"))) {
                throw new GpuUnavailableException("--gpu-ids %s names GPU %s twice".formatted(list, entry.strip()));
            }
        }
        return ordinals;
    }

    /** The resource counts all GPUs of the machine; the driver only those that are visible, in that list's order. */
    private static Set<Integer> ofResource(Collection<String> indices, Optional<String> visibleDevices) {
        List<String> visible = visibleDevices.stream()
                .flatMap(list -> Arrays.stream(list.split(",")))
                .map(String::strip)
                .toList();
        Set<Integer> ordinals = new LinkedHashSet<>();
        indices.stream()
                .map(index -> number(index, "Flink's external resource"))
                .sorted()
                .forEach(index -> {
                    int ordinal = visible.isEmpty() ? index : visible.indexOf(index.toString());
                    if (ordinal < 0) {
                        throw new GpuUnavailableException(
                                "Flink's external resource names GPU %d, which CUDA_VISIBLE_DEVICES=%s hides: leave the variable unset"
                                        .formatted(index, String.join(",", visible)));
                    }
                    ordinals.add(ordinal);
                });
        return ordinals;
    }

    private static Integer number(String text, String source) {
        String digits = text.strip();
        if (!digits.matches("\\d{1,4}")) {
            throw new GpuUnavailableException(
                    "%s names '%s': GPUs are given as whole numbers from 0, with commas between"
                            .formatted(source, digits));
        }
        return Integer.valueOf(digits);
    }
}
