package dev.millrace.cpu.kernel;

/** Adds the 16 virtual lanes: halves onto each other, so eight pairs, four, two, one. */
final class LaneSum {

    private LaneSum() {}

    /** Sum of {@code lanes[16]}, which it overwrites. */
    static float of(float[] lanes) {
        for (int width = Kernels.LANES / 2; width > 0; width /= 2) {
            for (int i = 0; i < width; i++) {
                lanes[i] += lanes[i + width];
            }
        }
        return lanes[0];
    }
}
