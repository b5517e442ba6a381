package dev.millrace.model.media;

/**
 * A decoded picture.
 *
 * @param width pixels a row
 * @param height rows
 * @param rgb [height, width, 3] values of 8 bits
 */
record RgbImage(int width, int height, byte[] rgb) {

    static RgbImage of(int width, int height) {
        return new RgbImage(width, height, new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))]);
    }
}
