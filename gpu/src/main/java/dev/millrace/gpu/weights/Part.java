package dev.millrace.gpu.weights;

/**
 * One stored weight among those that are laid one behind the other.
 *
 * @param name its published name
 * @param rows its outputs
 * @param paddedRows rows that it takes, zeros at the end
 * @param shape as the checkpoint has it; the dimensions behind the first are the inner ones
 */
public record Part(String name, int rows, int paddedRows, long... shape) {

    /** A matrix of {@code rows × inner}. */
    public static Part matrix(String name, int rows, int inner) {
        return new Part(name, rows, rows, rows, inner);
    }

    /** A vector: one value an output. */
    public static Part vector(String name, int length) {
        return new Part(name, length, length, length);
    }

    /** The same, with zeros up to so many rows. */
    public Part paddedTo(int more) {
        return new Part(name, rows, more, shape);
    }

    long columns() {
        long columns = 1;
        for (int i = 1; i < shape.length; i++) {
            columns *= shape[i];
        }
        return columns;
    }
}
