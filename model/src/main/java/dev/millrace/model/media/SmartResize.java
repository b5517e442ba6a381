package dev.millrace.model.media;

import dev.millrace.model.InvalidInputException;

/**
 * The size at which the vision tower sees a picture: both sides multiples of a factor, the area within bounds, the
 * aspect ratio kept as well as that allows (transformers {@code image_processing_qwen2_vl.py}, {@code smart_resize}).
 */
public final class SmartResize {

    private static final int MAX_ASPECT_RATIO = 200;

    private SmartResize() {}

    /** A size in pixels. */
    public record Size(int height, int width) {
        public long pixels() {
            return (long) height * width;
        }
    }

    /**
     * @param factor patch size times merge size: what the sides must be multiples of
     * @param minPixels fewest pixels of the result
     * @param maxPixels most pixels of the result
     * @throws InvalidInputException where one side is more than 200 times the other
     */
    public static Size of(int height, int width, int factor, long minPixels, long maxPixels) {
        double ratio = (double) Math.max(height, width) / Math.min(height, width);
        if (ratio > MAX_ASPECT_RATIO) {
            throw new InvalidInputException(
                    "absolute aspect ratio must be smaller than " + MAX_ASPECT_RATIO + ", got " + ratio + " (" + width
                            + "x" + height + " pixels); crop the picture",
                    null);
        }
        // Math.rint rounds half to even as Python does
        double h = Math.rint((double) height / factor) * factor;
        double w = Math.rint((double) width / factor) * factor;
        if (h * w > maxPixels) {
            double beta = Math.sqrt((double) height * width / maxPixels);
            h = Math.max(factor, Math.floor(height / beta / factor) * factor);
            w = Math.max(factor, Math.floor(width / beta / factor) * factor);
        } else if (h * w < minPixels) {
            double beta = Math.sqrt((double) minPixels / ((double) height * width));
            h = Math.ceil(height * beta / factor) * factor;
            w = Math.ceil(width * beta / factor) * factor;
        }
        return new Size((int) h, (int) w);
    }
}
