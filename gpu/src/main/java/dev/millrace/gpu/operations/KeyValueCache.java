package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.DeviceBuffer;

/**
 * Keys and values of all layers, c[L, block, 2, Hk, 16, hd].
 *
 * @param layers each layer's part
 * @param blockBytes bytes of a block in one layer
 */
public record KeyValueCache(DeviceBuffer all, DeviceBuffer[] layers, long blockBytes) {

    /** Cuts an allocation into layers. */
    public static KeyValueCache of(DeviceBuffer all, int numLayers, long blockBytes) {
        long layerBytes = all.bytes() / numLayers;
        DeviceBuffer[] layers = new DeviceBuffer[numLayers];
        for (int i = 0; i < numLayers; i++) {
            layers[i] = all.slice(i * layerBytes, layerBytes);
        }
        return new KeyValueCache(all, layers, blockBytes);
    }
}
