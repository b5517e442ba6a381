package dev.millrace.gpu.sampling;

/**
 * Addresses of a step's arrays on the device that a draw reads, all int32.
 *
 * @param samples R; those of the dummy row are none
 * @param sampleToken [R] index into the step's tokens
 * @param sampleRow [R]
 * @param sequences [T] each token's sequence
 * @param cuQ [S+1]
 * @param contextLength [S]
 */
public record SampleInputs(
        int samples, long sampleToken, long sampleRow, long sequences, long cuQ, long contextLength) {}
