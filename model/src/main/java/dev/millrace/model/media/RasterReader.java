package dev.millrace.model.media;

import java.awt.image.BufferedImage;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/**
 * Pixels of a decoded picture as red, green, blue, with what is transparent laid on white.
 *
 * <p>It reads stored samples rather than going through Java's colour conversion, which takes grey for linear light and
 * would brighten it; like the reference it takes the upper 8 of 16 bits.
 */
final class RasterReader {

    private final BufferedImage image;
    private final Raster raster;
    private final int width;
    private final RgbImage result;

    private RasterReader(BufferedImage image) {
        this.image = image;
        this.raster = image.getRaster();
        this.width = image.getWidth();
        this.result = RgbImage.of(width, image.getHeight());
    }

    static RgbImage read(BufferedImage image) {
        var reader = new RasterReader(image);
        if (image.getColorModel() instanceof IndexColorModel palette) {
            reader.readPalette(palette);
        } else if (reader.isPlainBytes()) {
            reader.readBytes();
        } else {
            reader.readSamples();
        }
        return reader.result;
    }

    private boolean isPlainBytes() {
        return raster.getSampleModel() instanceof ComponentSampleModel samples
                && samples.getDataType() == DataBuffer.TYPE_BYTE
                && raster.getDataBuffer() instanceof DataBufferByte buffer
                && buffer.getNumBanks() == 1
                && raster.getSampleModelTranslateX() == 0
                && raster.getSampleModelTranslateY() == 0
                && !image.isAlphaPremultiplied();
    }

    private void readBytes() {
        var samples = (ComponentSampleModel) raster.getSampleModel();
        var buffer = (DataBufferByte) raster.getDataBuffer();
        byte[] in = buffer.getData();
        byte[] out = result.rgb();
        int[] bands = samples.getBandOffsets();
        boolean grey = bands.length < 3;
        int green = grey ? bands[0] : bands[1];
        int blue = grey ? bands[0] : bands[2];
        boolean alpha = bands.length % 2 == 0;
        for (int y = 0, o = 0; y < result.height(); y++) {
            int i = buffer.getOffset() + y * samples.getScanlineStride();
            for (int x = 0; x < width; x++, i += samples.getPixelStride(), o += 3) {
                int opacity = alpha ? in[i + bands[bands.length - 1]] & 0xff : 255;
                out[o] = onWhite(in[i + bands[0]] & 0xff, opacity);
                out[o + 1] = onWhite(in[i + green] & 0xff, opacity);
                out[o + 2] = onWhite(in[i + blue] & 0xff, opacity);
            }
        }
    }

    private void readPalette(IndexColorModel palette) {
        int[] colours = new int[palette.getMapSize()];
        palette.getRGBs(colours);
        int[] line = new int[width];
        for (int y = 0, o = 0; y < result.height(); y++) {
            raster.getSamples(0, y, width, 1, 0, line);
            for (int x = 0; x < width; x++, o += 3) {
                int argb = colours[Math.min(line[x], colours.length - 1)];
                put(o, argb >> 16 & 0xff, argb >> 8 & 0xff, argb & 0xff, argb >>> 24);
            }
        }
    }

    private void readSamples() {
        int bands = raster.getNumBands();
        int[] bits = raster.getSampleModel().getSampleSize();
        int[] line = new int[bands * width];
        boolean grey = bands < 3;
        for (int y = 0, o = 0; y < result.height(); y++) {
            raster.getPixels(0, y, width, 1, line);
            for (int i = 0; i < line.length; i += bands, o += 3) {
                int red = eightBits(line[i], bits[0]);
                int green = grey ? red : eightBits(line[i + 1], bits[1]);
                int blue = grey ? red : eightBits(line[i + 2], bits[2]);
                int alpha = bands % 2 == 0 ? eightBits(line[i + bands - 1], bits[bands - 1]) : 255;
                put(o, red, green, blue, alpha);
            }
        }
    }

    private void put(int at, int red, int green, int blue, int alpha) {
        byte[] out = result.rgb();
        out[at] = onWhite(red, alpha);
        out[at + 1] = onWhite(green, alpha);
        out[at + 2] = onWhite(blue, alpha);
    }

    private static int eightBits(int sample, int bits) {
        return bits >= 8 ? sample >> bits - 8 : sample * 255 / ((1 << bits) - 1);
    }

    /** A value at an opacity over white, rounded as Pillow's {@code paste} with a mask does. */
    static byte onWhite(int value, int alpha) {
        if (alpha == 255) {
            return (byte) value;
        }
        int sum = value * alpha + 255 * (255 - alpha) + 128;
        return (byte) ((sum >> 8) + sum >> 8);
    }
}
