package dev.millrace.cpu.kernel;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The vectors' width, at most the 16 virtual lanes, and {@link FloatMath#exp} on vectors. */
final class VectorMath {

    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED.length() > Kernels.LANES
            ? FloatVector.SPECIES_512
            : FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> INTS =
            FLOATS.length() == Kernels.LANES ? IntVector.SPECIES_512 : IntVector.SPECIES_PREFERRED;
    static final int WIDTH = FLOATS.length();

    private VectorMath() {}

    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(
                FloatVector.broadcast(FLOATS, FloatMath.LOG2_E), FloatVector.broadcast(FLOATS, FloatMath.ROUNDER));
        FloatVector n = shifted.sub(FloatMath.ROUNDER);
        FloatVector r = n.fma(FloatVector.broadcast(FLOATS, FloatMath.MINUS_LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(FLOATS, FloatMath.MINUS_LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(FLOATS, FloatMath.C0), FloatVector.broadcast(FLOATS, FloatMath.C1));
        p = p.fma(r, FloatVector.broadcast(FLOATS, FloatMath.C2));
        p = p.fma(r, FloatVector.broadcast(FLOATS, FloatMath.C3));
        p = p.fma(r, FloatVector.broadcast(FLOATS, FloatMath.C4));
        p = p.fma(r, FloatVector.broadcast(FLOATS, FloatMath.C5));
        p = p.fma(r.mul(r), r).add(1f);
        FloatVector power = shifted.reinterpretAsInts()
                .add(FloatMath.EXPONENT_OFFSET)
                .lanewise(LSHL, 23)
                .reinterpretAsFloats();
        return p.mul(power)
                .blend(0f, x.compare(LT, FloatMath.EXP_LOW))
                .blend(Float.POSITIVE_INFINITY, x.compare(GT, FloatMath.EXP_HIGH));
    }
}
