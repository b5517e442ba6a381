package dev.millrace.gpu.operations;

/**
 * A part of the tower's work that can be launched by itself, or piece by piece in order; the result is the same bits.
 *
 * @param pieces at least 1
 * @param work of each piece: operations of a matrix product that takes as long
 * @param launcher queues some of the pieces
 */
public record Slice(int pieces, double work, Launcher launcher) {

    /** Queues so many pieces from one on. */
    @FunctionalInterface
    public interface Launcher {
        void launch(int first, int count);
    }

    /** In one piece. */
    static Slice whole(double work, Runnable launch) {
        return new Slice(1, work, (first, count) -> launch.run());
    }

    /** Queues all of it. */
    public void launch() {
        launcher.launch(0, pieces);
    }
}
