// The noise that a draw adds to its logits, bit for bit as model.sampling's GumbelNoise, Philox and DoubleMath have it, save that
// products and sums of doubles may be fused.
#pragma once

// e to the x within 1e-15 relative; 0 below -708. For x <= 0.
__device__ inline double exponential(double x) {
    if (!(x >= -708)) {
        return 0;
    }
    const double reciprocalFactorials[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                                           1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    // ln 2 in two parts, the first with 32 zero bits at its end: fdlibm, e_log.c (Sun Microsystems)
    double n = rint(x * 1.4426950408889634);
    double r = x - n * 6.93147180369123816490e-01 - n * 1.90821492927058770002e-10;
    double sum = reciprocalFactorials[13];
#pragma unroll
    for (int i = 12; i >= 0; i--) {
        sum = sum * r + reciprocalFactorials[i];
    }
    return sum * __longlong_as_double((static_cast<long long>(n) + 1023) << 52);
}

// The natural logarithm of a positive, normal number within 1e-15 relative, by the series of artanh.
__device__ inline double logarithm(double x) {
    long long bits = __double_as_longlong(x);
    int exponent = static_cast<int>(bits >> 52) - 1023;
    double mantissa = __longlong_as_double((bits & 0x000fffffffffffffLL) | 0x3ff0000000000000LL);
    if (mantissa * 0.7071067811865476 > 1) {
        mantissa /= 2;
        exponent++;
    }
    double s = (mantissa - 1) / (mantissa + 1);
    double s2 = s * s;
    double sum = 0;
#pragma unroll
    for (int n = 21; n >= 1; n -= 2) {
        sum = sum * s2 + 1.0 / n;
    }
    return exponent * 0.6931471805599453 + 2 * s * sum;
}

// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11); the constants are those of Random123.
__device__ __forceinline__ uint4 philox(unsigned key0, unsigned key1, unsigned c0, unsigned c1, unsigned c2, unsigned c3) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        unsigned high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
        unsigned high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
        c0 = high1 ^ c1 ^ key0;
        c1 = low1;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return make_uint4(c0, c1, c2, c3);
}

// Standard Gumbel noise of every token at one place: seed, choice, position.
struct Noise {
    unsigned seedLow, seedHigh;
    int choice, position;

    // The words of tokens 4 * pack to 4 * pack + 3.
    __device__ __forceinline__ uint4 words(int pack) const { return philox(seedLow, seedHigh, pack, position, choice, 0); }

    __device__ __forceinline__ unsigned word(int token) const {
        uint4 w = words(token / 4);
        int i = token % 4;
        return i == 0 ? w.x : i == 1 ? w.y : i == 2 ? w.z : w.w;
    }

    static __device__ __forceinline__ double of(unsigned word) {
        double u = (word + 0.5) * 0x1p-32;
        return -logarithm(-logarithm(u));
    }

    // Bounds from the number n of leading ones: u lies in [1 - 2^-n, 1 - 2^-(n+1)), so that the noise -ln(-ln u) is below
    // (n+1) ln 2 and, for n > 0, at least n ln 2 - 0.3266; it is never below -ln(33 ln 2) > -3.131.
    static __device__ __forceinline__ float above(unsigned word) { return (__clz(~word) + 1) * 0.69314724f; }
    static __device__ __forceinline__ float below(unsigned word) {
        int ones = __clz(~word);
        return ones > 0 ? ones * 0.69314712f - 0.32664f : -3.131f;
    }
};
