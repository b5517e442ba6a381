package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.DeviceBuffer;

/**
 * A projection with a bias.
 *
 * @param bias fp32[weight.out]
 */
public record Linear(Matrix weight, DeviceBuffer bias) {}
