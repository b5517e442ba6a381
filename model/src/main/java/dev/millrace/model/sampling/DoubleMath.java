package dev.millrace.model.sampling;

/**
 * e to the x and the natural logarithm from additions, multiplications and bit shifts alone, so that they give the same
 * bits on every JVM. {@code Math}'s may not, and {@code StrictMath}'s are several times slower.
 */
final class DoubleMath {

    private static final double LOG2_E = 1.4426950408889634;
    private static final double LN2 = 0.6931471805599453;
    // ln 2 in two parts, the first with 32 zero bits at its end: fdlibm, e_log.c (Sun Microsystems)
    private static final double LN2_HIGH = 6.93147180369123816490e-01;
    private static final double LN2_LOW = 1.90821492927058770002e-10;
    private static final double SQRT_HALF = 0.7071067811865476;
    private static final int TAYLOR_TERMS = 13;
    private static final double[] RECIPROCAL_FACTORIALS = reciprocalFactorials();

    private DoubleMath() {}

    private static double[] reciprocalFactorials() {
        double[] reciprocals = new double[TAYLOR_TERMS + 1];
        double factorial = 1;
        reciprocals[0] = 1;
        for (int n = 1; n <= TAYLOR_TERMS; n++) {
            factorial *= n;
            reciprocals[n] = 1 / factorial;
        }
        return reciprocals;
    }

    /** e to the x within 1e-15 relative; 0 below −708. */
    static double exp(double x) {
        if (x < -708) {
            return 0;
        }
        if (x > 709) {
            return Double.POSITIVE_INFINITY;
        }
        if (Double.isNaN(x)) {
            return x;
        }
        double n = Math.rint(x * LOG2_E);
        double r = x - n * LN2_HIGH - n * LN2_LOW;
        double sum = RECIPROCAL_FACTORIALS[TAYLOR_TERMS];
        for (int i = TAYLOR_TERMS - 1; i >= 0; i--) {
            sum = sum * r + RECIPROCAL_FACTORIALS[i];
        }
        return sum * Double.longBitsToDouble((long) n + 1023 << 52);
    }

    /** The natural logarithm of a positive, normal number within 1e-15 relative, by the series of artanh. */
    static double log(double x) {
        long bits = Double.doubleToRawLongBits(x);
        int exponent = (int) (bits >>> 52) - 1023;
        double mantissa = Double.longBitsToDouble(bits & 0x000FFFFFFFFFFFFFL | 0x3FF0000000000000L);
        if (mantissa * SQRT_HALF > 1) {
            mantissa /= 2;
            exponent++;
        }
        double s = (mantissa - 1) / (mantissa + 1);
        double s2 = s * s;
        double sum = 0;
        for (int n = 21; n >= 1; n -= 2) {
            sum = sum * s2 + 1.0 / n;
        }
        return exponent * LN2 + 2 * s * sum;
    }
}
