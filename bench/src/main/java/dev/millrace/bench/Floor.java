package dev.millrace.bench;

/**
 * The least time that the model's work takes on a GPU: the bytes that it must read and write over the GPU's bandwidth, or its
 * operations over the GPU's rate, whichever is longer. A step reads all weights once, and the keys and values in reach once.
 * Several GPUs share all of it evenly, and what they tell each other takes no time.
 *
 * @param ceiling of one GPU
 */
record Floor(ModelCost cost, int bytesPerValue, GpuCeiling ceiling, int gpus) {

    /** Of what the options ask for; null where the work is done elsewhere. */
    static Floor of(BenchOptions options, ModelCost cost) {
        GpuCeiling ceiling = options.ceiling();
        int gpus = options.device.gpu().tensorParallelSize();
        return ceiling == null ? null : new Floor(cost, options.gpuType().bytes(), ceiling, gpus);
    }

    /** Seconds of a decode step of so many sequences with {@code context} tokens each. */
    double decodeStep(int sequences, double context) {
        double values = cost.decoderValues() + cost.headValues() + sequences * context * cost.cacheValuesPerToken();
        return longer(values * bytesPerValue + sequences * logitsBytes(), sequences * cost.decode(context));
    }

    /**
     * Seconds of so many prompts.
     *
     * @param budget most tokens in a step
     */
    double prefill(int prompts, int tokens, int budget) {
        double steps = Math.ceil((double) prompts * tokens / budget);
        double values = steps * cost.decoderValues() + cost.headValues();
        return longer(values * bytesPerValue + prompts * logitsBytes(), prompts * cost.prefill(tokens));
    }

    /** Seconds of media that take so many operations, encoded together. */
    double encode(double flops) {
        return flops == 0 ? 0 : longer(cost.towerValues() * bytesPerValue, flops);
    }

    private double logitsBytes() {
        return (double) cost.vocabulary() * Float.BYTES;
    }

    private double longer(double bytes, double flops) {
        return Math.max(bytes / ceiling.bytesPerSecond(), flops / ceiling.flopsPerSecond()) / gpus;
    }

    /** What it was computed from. */
    String ceilings() {
        return gpus == 1 ? ceiling.toString() : "%s, each of %d GPUs".formatted(ceiling, gpus);
    }
}
