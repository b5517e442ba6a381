package dev.millrace.job.check;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Collects rows and what was passed over, prints each row as it comes, and has the verdict. */
public final class CheckReport {

    private static final String LAYOUT = "%-16s %-26s %-22s %10s %17s  %-4s %s";

    private final PrintWriter out;
    private final Predicate<String> wanted;
    private final List<CheckRow> rows = new ArrayList<>();
    private final List<String> passedOver = new ArrayList<>();

    /**
     * @param wanted says of {@code file name} whether it is to be compared
     */
    public CheckReport(PrintWriter out, Predicate<String> wanted) {
        this.out = out;
        this.wanted = wanted;
    }

    /** Whether something is to be compared at all. */
    boolean wants(String file, String name) {
        return wanted.test(file + " " + name);
    }

    void add(CheckRow row) {
        if (rows.isEmpty()) {
            out.println(LAYOUT.formatted("file", "name", "kind", "max |diff|", "agreed", "", "")
                    .stripTrailing());
        }
        rows.add(row);
        out.println(LAYOUT.formatted(
                        row.file(),
                        row.name(),
                        row.kind(),
                        Double.isNaN(row.difference()) ? "-" : String.format(Locale.ROOT, "%.1e", row.difference()),
                        row.comparable() == 0 ? "-" : row.agreed() + "/" + row.comparable(),
                        row.passed() ? "ok" : "FAIL",
                        row.note())
                .stripTrailing());
        out.flush();
    }

    /** Adds the rows of one comparison; where it throws, one row that says so, so that the others go on. */
    void addAll(String file, String name, Supplier<List<CheckRow>> comparison) {
        if (!wants(file, name)) {
            return;
        }
        try {
            comparison.get().forEach(this::add);
        } catch (RuntimeException e) {
            add(CheckRow.broken(file, name, "comparison", e.toString()));
        }
    }

    /** Names something that is not there or not compared. */
    void passOver(String what) {
        passedOver.add(what);
    }

    /** Prints what was passed over and the verdict. */
    public void finish() {
        passedOver.forEach(what -> out.println("passed over: " + what));
        long failed = rows.stream().filter(row -> !row.passed()).count();
        out.println(rows.isEmpty() ? "nothing was compared" : "%d rows, %d failed".formatted(rows.size(), failed));
        out.flush();
    }

    public List<CheckRow> rows() {
        return List.copyOf(rows);
    }

    /** Whether something was compared and all of it agrees. */
    public boolean passed() {
        return !rows.isEmpty() && rows.stream().allMatch(CheckRow::passed);
    }
}
