package dev.millrace.gpu.weights;

/**
 * One stored weight among those that are laid one behind the other.
 *
 * @param name its published name
 * @param rows its outputs, or pieces of them
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

    /** The same, each output cut into so many rows one behind the other. */
    public Part inPieces(int pieces) {
        return new Part(name, rows * pieces, paddedRows * pieces, shape);
    }

    /** Values of a row. */
    long columns() {
        long values = 1;
        for (long length : shape) {
            values *= length;
        }
        return values / rows;
    }
}
