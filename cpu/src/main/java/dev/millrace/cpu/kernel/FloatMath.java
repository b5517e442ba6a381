package dev.millrace.cpu.kernel;

/**
 * Elementary functions in single precision, from additions, fused multiplications and bit shifts alone, so that they give
 * the same bits everywhere. {@code Math.exp} and the vector operators do not.
 */
public final class FloatMath {

    /** Below this {@link #exp} is 0. */
    static final float EXP_LOW = -87f;

    /** Above this {@link #exp} is infinite. */
    static final float EXP_HIGH = 88f;

    static final float LOG2_E = 1.44269504f;

    /** Adding 1.5 · 2²³ rounds to an integer, which is then in the low bits. */
    static final float ROUNDER = 12582912f;

    static final int EXPONENT_OFFSET = 127 - Float.floatToRawIntBits(ROUNDER);

    // ln 2 in two parts and a polynomial for (exp r − 1 − r) / r²: Cephes 2.8, single/expf.c (S. L. Moshier)
    static final float MINUS_LN2_HIGH = -0.693359375f;
    static final float MINUS_LN2_LOW = 2.12194440e-4f;
    static final float C0 = 1.9875691500e-4f;
    static final float C1 = 1.3981999507e-3f;
    static final float C2 = 8.3334519073e-3f;
    static final float C3 = 4.1665795894e-2f;
    static final float C4 = 1.6666665459e-1f;
    static final float C5 = 5.0000001201e-1f;

    private FloatMath() {}

    /** e to the x, within two units in the last place. */
    public static float exp(float x) {
        if (x < EXP_LOW) {
            return 0;
        }
        if (x > EXP_HIGH) {
            return Float.POSITIVE_INFINITY;
        }
        float shifted = Math.fma(x, LOG2_E, ROUNDER);
        float n = shifted - ROUNDER;
        float r = Math.fma(n, MINUS_LN2_LOW, Math.fma(n, MINUS_LN2_HIGH, x));
        float p = Math.fma(C0, r, C1);
        p = Math.fma(p, r, C2);
        p = Math.fma(p, r, C3);
        p = Math.fma(p, r, C4);
        p = Math.fma(p, r, C5);
        p = Math.fma(p, r * r, r) + 1f;
        return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) + EXPONENT_OFFSET) << 23);
    }

    /** x · sigmoid(x). */
    public static float silu(float x) {
        return x / (1f + exp(-x));
    }

    /** The error function within 5e-7: Abramowitz and Stegun, formula 7.1.26. */
    public static float erf(float x) {
        float a = Math.abs(x);
        float t = 1f / Math.fma(0.3275911f, a, 1f);
        float p = Math.fma(1.061405429f, t, -1.453152027f);
        p = Math.fma(p, t, 1.421413741f);
        p = Math.fma(p, t, -0.284496736f);
        p = Math.fma(p, t, 0.254829592f);
        return Math.copySign(Math.fma(-p * t, exp(-a * a), 1f), x);
    }

    /** The exact GELU, x · Φ(x). */
    public static float gelu(float x) {
        return 0.5f * x * (1f + erf(x * 0.70710678f));
    }
}
