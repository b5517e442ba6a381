package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A set of Unicode characters as ascending, disjoint ranges. Halves of surrogate pairs are in none: UTF-8 has none. */
public record CodePoints(List<Range> ranges) {

    public static final CodePoints ALL = of(0, Character.MAX_CODE_POINT);

    /** From {@code low} to {@code high}, both included. */
    public record Range(int low, int high) {}

    public CodePoints {
        ranges = List.copyOf(ranges);
    }

    public static CodePoints of(int low, int high) {
        List<Range> ranges = new ArrayList<>(2);
        add(ranges, low, Math.min(high, Character.MIN_SURROGATE - 1));
        add(ranges, Math.max(low, Character.MAX_SURROGATE + 1), high);
        return new CodePoints(ranges);
    }

    public static CodePoints of(int codePoint) {
        return of(codePoint, codePoint);
    }

    /** The characters of a text. */
    public static CodePoints anyOf(String text) {
        return text.codePoints().mapToObj(CodePoints::of).reduce(new CodePoints(List.of()), CodePoints::or);
    }

    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    public CodePoints or(CodePoints other) {
        List<Range> all = new ArrayList<>(ranges);
        all.addAll(other.ranges);
        all.sort(Comparator.comparingInt(Range::low));
        List<Range> merged = new ArrayList<>(all.size());
        for (Range range : all) {
            Range last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            if (last != null && range.low <= last.high + 1) {
                merged.set(merged.size() - 1, new Range(last.low, Math.max(last.high, range.high)));
            } else {
                merged.add(range);
            }
        }
        return new CodePoints(merged);
    }

    public CodePoints not() {
        List<Range> gaps = new ArrayList<>(ranges.size() + 2);
        int from = 0;
        for (Range range : ranges) {
            gaps.addAll(from < range.low ? of(from, range.low - 1).ranges : List.of());
            from = range.high + 1;
        }
        gaps.addAll(from <= Character.MAX_CODE_POINT ? of(from, Character.MAX_CODE_POINT).ranges : List.of());
        return new CodePoints(gaps);
    }

    public CodePoints and(CodePoints other) {
        return not().or(other.not()).not();
    }

    public CodePoints minus(CodePoints other) {
        return and(other.not());
    }

    private static void add(List<Range> ranges, int low, int high) {
        if (low <= high) {
            ranges.add(new Range(low, high));
        }
    }
}
