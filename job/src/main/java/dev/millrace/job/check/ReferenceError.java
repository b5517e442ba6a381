package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * By how much PyTorch's own forward pass in some type differs from the reference.
 *
 * @param rms root of the mean squared difference
 * @param max largest absolute difference
 */
record ReferenceError(double rms, double max) {

    /** Reads {@code PREFIX_rms} and {@code PREFIX_max}; null where they were not recorded. */
    static ReferenceError parse(JsonNode node, String prefix) {
        JsonNode rms = node.path(prefix + "_rms");
        JsonNode max = node.path(prefix + "_max");
        return rms.isNumber() && max.isNumber() ? new ReferenceError(rms.asDouble(), max.asDouble()) : null;
    }
}
