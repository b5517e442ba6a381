package dev.millrace.model.media;

import java.util.Arrays;

/**
 * Antialiased bicubic resampling of 8-bit pixels, bit for bit as PyTorch does it (ATen {@code UpSampleKernelAVXAntialias.h}
 * with the indices and weights of {@code UpSampleKernel.cpp}, {@code _upsample_bicubic2d_aa}): a separable filter, rows
 * first, whose weights are 16-bit integers of one precision per axis, rounded and clamped to 8 bits after each pass.
 */
final class BicubicResize {

    private static final double A = -0.5;
    private static final double TAPS = 4;

    private BicubicResize() {}

    static RgbImage resize(RgbImage image, int height, int width) {
        RgbImage rows = image.width() == width ? image : horizontal(image, new Filter(image.width(), width));
        return rows.height() == height ? rows : vertical(rows, new Filter(rows.height(), height));
    }

    private static RgbImage horizontal(RgbImage image, Filter filter) {
        RgbImage result = RgbImage.of(filter.size, image.height());
        byte[] in = image.rgb();
        byte[] out = result.rgb();
        int half = 1 << filter.precision - 1;
        for (int y = 0, o = 0; y < image.height(); y++) {
            int row = 3 * y * image.width();
            for (int x = 0; x < filter.size; x++, o += 3) {
                int red = half;
                int green = half;
                int blue = half;
                int i = row + 3 * filter.first[x];
                for (int k = x * filter.taps, end = k + filter.count[x]; k < end; k++, i += 3) {
                    int weight = filter.weights[k];
                    red += weight * (in[i] & 0xff);
                    green += weight * (in[i + 1] & 0xff);
                    blue += weight * (in[i + 2] & 0xff);
                }
                out[o] = clamp(red >> filter.precision);
                out[o + 1] = clamp(green >> filter.precision);
                out[o + 2] = clamp(blue >> filter.precision);
            }
        }
        return result;
    }

    private static RgbImage vertical(RgbImage image, Filter filter) {
        RgbImage result = RgbImage.of(image.width(), filter.size);
        int stride = 3 * image.width();
        int[] sums = new int[stride];
        for (int y = 0; y < filter.size; y++) {
            Arrays.fill(sums, 1 << filter.precision - 1);
            for (int k = 0; k < filter.count[y]; k++) {
                accumulate(sums, image.rgb(), (filter.first[y] + k) * stride, filter.weights[y * filter.taps + k]);
            }
            for (int i = 0, o = y * stride; i < stride; i++, o++) {
                result.rgb()[o] = clamp(sums[i] >> filter.precision);
            }
        }
        return result;
    }

    private static void accumulate(int[] sums, byte[] in, int offset, int weight) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] += weight * (in[offset + i] & 0xff);
        }
    }

    private static byte clamp(int value) {
        return (byte) Math.max(0, Math.min(255, value));
    }

    /** Which input pixels make an output pixel along one axis, and by how much. */
    private static final class Filter {
        private final int size;
        private final int taps;
        private final int[] first;
        private final int[] count;
        private final int precision;
        private final int[] weights; // [size, taps], 16-bit values

        Filter(int input, int output) {
            double scale = (double) input / output;
            double stretch = Math.max(scale, 1);
            double support = TAPS / 2 * stretch;
            size = output;
            taps = 2 * (int) Math.ceil(support) + 1;
            first = new int[output];
            count = new int[output];
            double[] exact = new double[output * taps];
            double max = 0;
            for (int i = 0; i < output; i++) {
                double center = scale * (i + 0.5);
                first[i] = Math.max((int) (center - support + 0.5), 0);
                count[i] = Math.min(Math.min((int) (center + support + 0.5), input) - first[i], taps);
                max = Math.max(max, fill(exact, i * taps, count[i], first[i] - center + 0.5, 1 / stretch));
            }
            precision = precision(max);
            weights = quantise(exact, precision);
        }

        /** Normalised weights of one output pixel; gives the largest. */
        private static double fill(double[] weights, int at, int count, double from, double step) {
            double total = 0;
            for (int j = 0; j < count; j++) {
                weights[at + j] = cubic((j + from) * step);
                total += weights[at + j];
            }
            double max = 0;
            for (int j = 0; j < count; j++) {
                weights[at + j] /= total;
                max = Math.max(max, weights[at + j]);
            }
            return max;
        }

        private static double cubic(double x) {
            double d = Math.abs(x);
            if (d < 1) {
                return ((A + 2) * d - (A + 3)) * d * d + 1;
            }
            return d < 2 ? (((d - 5) * d + 8) * d - 4) * A : 0;
        }

        /** The most bits below the binary point with which the largest weight still fits into 16 signed bits. */
        private static int precision(double max) {
            int precision = 0;
            while (precision < 22 && (int) (0.5 + max * (1 << precision + 1)) < 1 << 15) {
                precision++;
            }
            return precision;
        }

        private static int[] quantise(double[] exact, int precision) {
            int[] weights = new int[exact.length];
            for (int i = 0; i < exact.length; i++) {
                double v = exact[i] * (1 << precision);
                weights[i] = (int) (v < 0 ? v - 0.5 : v + 0.5);
            }
            return weights;
        }
    }
}
