package dev.millrace.bench.serve;

/** How percentages are written: 99, 99.9. */
final class Percentiles {

    private Percentiles() {}

    static String word(double percentage) {
        return percentage == (int) percentage ? Integer.toString((int) percentage) : Double.toString(percentage);
    }
}
