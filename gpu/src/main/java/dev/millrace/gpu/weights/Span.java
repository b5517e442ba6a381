package dev.millrace.gpu.weights;

/**
 * Neighbours among the rows or columns of a weight, such as those that one of several GPUs has.
 *
 * @param of how many the weight has
 */
public record Span(int first, int count, int of) {

    static Span all(int of) {
        return new Span(0, of, of);
    }

    boolean isAll() {
        return count == of;
    }

    /** The same of what is cut into so many pieces each. */
    Span times(int pieces) {
        return new Span(first * pieces, count * pieces, of * pieces);
    }
}
