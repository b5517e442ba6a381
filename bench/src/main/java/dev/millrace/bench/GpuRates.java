package dev.millrace.bench;

import dev.millrace.bench.figures.Figures;
import java.io.PrintWriter;
import java.util.Locale;

/**
 * How fast a measured batch's prompts and answers were, how near that is to the {@link Floor}, and how busy the device was.
 *
 * @param prefill prompt tokens a second, from the start to the last first token, media included
 * @param decode output tokens a second while all sequences decode
 * @param busy share of the run in which the device was at a step: the time between the events that its stream passed before
 *     the step's inputs and behind its tokens, of all steps, over the seconds from the first prompt handed over to the last
 *     token. Encodings beside the steps are not counted
 * @param from where the floors come from
 */
record GpuRates(Rate prefill, Rate decode, double busy, Floor from) {

    /** Something a second, and the most that the floor allows. */
    record Rate(double perSecond, double floor) {
        double share() {
            return perSecond / floor;
        }
    }

    void print(PrintWriter out) {
        print(out, "Prefill", prefill);
        print(out, "Decode", decode);
        out.printf(Locale.ROOT, "Device busy: %.1f%% of the run%n", 100 * busy);
        out.printf("Ceilings: %s%n", from.ceilings());
    }

    private static void print(PrintWriter out, String what, Rate rate) {
        out.printf(
                Locale.ROOT,
                "%s: %.1f tokens/s, floor %.1f, %.1f%% of it%n",
                what,
                rate.perSecond(),
                rate.floor(),
                100 * rate.share());
    }

    void addTo(Figures figures) {
        figures.put("prefill_tokens_per_second", prefill.perSecond())
                .put("prefill_floor_tokens_per_second", prefill.floor())
                .put("prefill_share_of_floor", prefill.share())
                .put("decode_tokens_per_second", decode.perSecond())
                .put("decode_floor_tokens_per_second", decode.floor())
                .put("decode_share_of_floor", decode.share())
                .put("device_busy", busy)
                .put("bytes_per_second_ceiling", from.ceiling().bytesPerSecond())
                .put("flops_per_second_ceiling", from.ceiling().flopsPerSecond());
    }
}
