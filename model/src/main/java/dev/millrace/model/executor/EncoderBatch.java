package dev.millrace.model.executor;

import java.util.List;

/**
 * Pictures and videos that are encoded together. Never changed after it was handed over.
 *
 * @param number number of the encoding, rising
 * @param media what is encoded, and where it goes
 */
public record EncoderBatch(long number, List<MediaInput> media) {}
