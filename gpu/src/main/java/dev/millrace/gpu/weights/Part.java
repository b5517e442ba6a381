package dev.millrace.gpu.weights;

/**
 * One stored weight, or some of it, among those that are laid one behind the other.
 *
 * @param name its published name
 * @param rows those of its outputs, or of pieces of them, that are taken
 * @param columns those of a row's values that are taken
 * @param paddedRows rows that it takes, zeros at the end
 * @param shape as the checkpoint has it; the dimensions behind the first are the inner ones
 */
public record Part(String name, Span rows, Span columns, int paddedRows, long... shape) {

    /** All of a weight. */
    public static Part of(String name, long... shape) {
        long columns = 1;
        for (int i = 1; i < shape.length; i++) {
            columns *= shape[i];
        }
        int rows = Math.toIntExact(shape[0]);
        return new Part(name, Span.all(rows), Span.all(Math.toIntExact(columns)), rows, shape);
    }

    /** A matrix of {@code rows × inner}. */
    public static Part matrix(String name, int rows, int inner) {
        return of(name, rows, inner);
    }

    /** A vector: one value an output. */
    public static Part vector(String name, int length) {
        return of(name, length);
    }

    /** Only these rows of it. */
    public Part rows(Span taken) {
        return new Part(name, taken, columns, taken.count(), shape);
    }

    /** Only these columns of it. */
    public Part columns(Span taken) {
        return new Part(name, rows, taken, paddedRows, shape);
    }

    /** The same, with zeros up to so many rows. */
    public Part paddedTo(int more) {
        return new Part(name, rows, columns, more, shape);
    }

    /** All of it, each output cut into so many rows one behind the other. */
    public Part inPieces(int pieces) {
        return new Part(name, rows.times(pieces), Span.all(columns.of() / pieces), paddedRows * pieces, shape);
    }
}
