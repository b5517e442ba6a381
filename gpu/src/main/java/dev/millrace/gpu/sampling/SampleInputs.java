package dev.millrace.gpu.sampling;

/**
 * Addresses of a step's arrays on the device that a draw reads, all int32.
 *
 * @param samples R; those of the dummy row are none
 * @param draws [R, 8] row; index that the token will have in its sequence; where in the step the drafts begin that count as
 *     output before it, and how many there are: one more for each of a row's samples, which follow each other; the number
 *     of the mask that it is bound by, or −1
 * @param stepIds [T] the step's token ids
 */
public record SampleInputs(int samples, long draws, long stepIds) {}
