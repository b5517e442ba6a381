package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import java.nio.IntBuffer;
import java.util.List;

/**
 * A step's masks of allowed tokens on the device, u32[R, ⌈V/32⌉], and pinned memory that they pass through in segments; the
 * caller waits for the device only when it is a whole ring of segments behind.
 */
final class AllowedMasks {

    private static final int SEGMENTS = 8;
    private static final int SEGMENT_INTS = 1 << 18;

    private final int words;
    private final DeviceBuffer device;
    private final PinnedBuffer pinned;
    private final IntBuffer host;
    private final Event[] copied = new Event[SEGMENTS];
    private int segment;

    AllowedMasks(Device device, Arena arena, int vocabSize, int maxSamples) {
        words = words(vocabSize);
        this.device = take(arena, vocabSize, maxSamples);
        pinned = device.allocatePinned((long) SEGMENTS * SEGMENT_INTS * Integer.BYTES, "staging of masks");
        host = pinned.bytes().asIntBuffer();
        for (int i = 0; i < SEGMENTS; i++) {
            copied[i] = device.newEvent();
        }
    }

    /** The device memory this needs. */
    static DeviceBuffer take(Arena arena, int vocabSize, int maxSamples) {
        return arena.take((long) maxSamples * words(vocabSize) * Integer.BYTES);
    }

    private static int words(int vocabSize) {
        return (vocabSize + Integer.SIZE - 1) / Integer.SIZE;
    }

    DeviceBuffer device() {
        return device;
    }

    /** Brings masks to the device, one behind the other from the start. */
    void upload(Stream stream, List<int[]> masks) {
        int together = SEGMENT_INTS / words;
        for (int first = 0; first < masks.size(); first += together) {
            int count = Math.min(together, masks.size() - first);
            copied[segment].synchronize();
            int start = segment * SEGMENT_INTS;
            for (int i = 0; i < count; i++) {
                int[] mask = masks.get(first + i);
                if (mask.length != words) {
                    throw new IllegalArgumentException(
                            "a mask of " + mask.length + " words; the vocabulary takes " + words);
                }
                host.put(start + i * words, mask);
            }
            long bytes = (long) words * Integer.BYTES;
            stream.copyToDevice(device, first * bytes, pinned, (long) start * Integer.BYTES, count * bytes);
            stream.record(copied[segment]);
            segment = (segment + 1) % SEGMENTS;
        }
    }
}
