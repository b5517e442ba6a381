package dev.millrace.cpu.weights;

/**
 * A projection.
 *
 * @param matrix its weights
 * @param bias [padded outputs] added to the product, zeros where the projection has none
 */
public record Linear(PackedMatrix matrix, float[] bias) {}
