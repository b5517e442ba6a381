package dev.millrace.model.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a safetensors header and proves that its tensors cover the file's data without hole or overlap. */
final class SafetensorsHeader {

    /** Room for a hundred thousand tensors; the format itself would allow 100 MB. */
    static final long MAX_BYTES = 16L << 20;

    private static final String METADATA = "__metadata__";

    /**
     * Where a tensor lies.
     *
     * @param begin first byte, counted from the end of the header
     * @param length bytes
     */
    record Entry(String name, Dtype dtype, long[] shape, long begin, long length) {}

    private SafetensorsHeader() {}

    /** @param dataLength bytes that follow the header */
    static Map<String, Entry> parse(Path file, byte[] json, long dataLength) {
        JsonObject header = JsonObject.parse(file + ": header", json);
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (String name : header.fields()) {
            if (!name.equals(METADATA)) {
                entries.put(name, entry(name, header.object(name)));
            }
        }
        checkCoverage(file, entries, dataLength);
        return entries;
    }

    private static Entry entry(String name, JsonObject json) {
        Dtype dtype = dtype(json);
        long[] shape = longs(json, "shape");
        long[] offsets = longs(json, "data_offsets");
        if (offsets.length != 2 || offsets[1] < offsets[0]) {
            throw json.error("data_offsets are " + Arrays.toString(offsets) + "; expected are a begin and an end");
        }
        long length = offsets[1] - offsets[0];
        long expected = byteLength(json, shape, dtype);
        if (length != expected) {
            throw json.error("data_offsets span " + length + " bytes; " + dtype + " of shape " + Arrays.toString(shape)
                    + " takes " + expected);
        }
        return new Entry(name, dtype, shape, offsets[0], length);
    }

    private static Dtype dtype(JsonObject json) {
        String word = json.text("dtype");
        for (Dtype dtype : Dtype.values()) {
            if (dtype.name().equals(word)) {
                return dtype;
            }
        }
        throw json.error("dtype is '" + word + "'; read are " + Arrays.toString(Dtype.values()));
    }

    private static long[] longs(JsonObject json, String field) {
        JsonNode list = json.get(field);
        long[] out = new long[list.size()];
        for (int i = 0; i < out.length; i++) {
            JsonNode value = list.get(i);
            if (value == null || !value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
                throw json.error(field + " is " + list + "; expected is a list of whole numbers, none negative");
            }
            out[i] = value.longValue();
        }
        if (!list.isArray()) {
            throw json.error(field + " is " + list + "; expected is a list");
        }
        return out;
    }

    private static long byteLength(JsonObject json, long[] shape, Dtype dtype) {
        try {
            long bytes = dtype.bytes();
            for (long dimension : shape) {
                bytes = Math.multiplyExact(bytes, dimension);
            }
            return bytes;
        } catch (ArithmeticException e) {
            throw json.error("shape " + Arrays.toString(shape) + " is beyond 2^63 bytes");
        }
    }

    private static void checkCoverage(Path file, Map<String, Entry> entries, long dataLength) {
        List<Entry> ordered = new ArrayList<>(entries.values());
        ordered.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::length));
        long end = 0;
        for (Entry entry : ordered) {
            if (entry.begin() != end) {
                throw new CheckpointException(file + ": tensor " + entry.name() + " begins at byte " + entry.begin()
                        + " of the data; the one before ends at " + end + " (no overlap or hole is allowed)");
            }
            end = entry.begin() + entry.length();
        }
        if (end != dataLength) {
            throw new CheckpointException(file + ": the header describes " + end + " bytes of data; the file has "
                    + dataLength + (end > dataLength ? " (is it cut off?)" : ""));
        }
    }
}
