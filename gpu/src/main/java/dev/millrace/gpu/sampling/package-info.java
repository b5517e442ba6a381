/**
 * Sampling on the device, the twin of {@code model.sampling}: what each running sequence's draws depend on stays there, so
 * that only token ids, and log-probabilities where asked for, cross the bus.
 */
package dev.millrace.gpu.sampling;
