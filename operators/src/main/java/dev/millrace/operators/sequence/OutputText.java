package dev.millrace.operators.sequence;

import dev.millrace.model.tokenizer.IncrementalDetokenizer;
import dev.millrace.model.tokenizer.Tokenizer;

/**
 * The text of one answer, handed out piece by piece. What may turn out to be the beginning of a stop text is held back,
 * as is half a character, so a piece once handed out never has to be taken back (vLLM {@code v1/engine/detokenizer.py}).
 * Fed the same tokens it hands out the same pieces, so a restored answer continues where the emitted one stopped. What
 * was handed out is forgotten as soon as no stop text can have begun in it.
 */
final class OutputText {

    private final StringBuilder recent = new StringBuilder(); // the answer's end
    private final IncrementalDetokenizer detokenizer;
    private final StopTexts stops;
    private final boolean hasStops;
    private final boolean includeStop;
    private final int holdBack;
    private final int minTokens;
    private int dropped; // characters of the answer before the recent ones
    private int fed;
    private int emitted;
    private String stop;

    /**
     * @param emitted characters that were handed out before
     */
    OutputText(Tokenizer tokenizer, GenerationParams params, int emitted) {
        this.detokenizer = new IncrementalDetokenizer(tokenizer, params.skipSpecialTokens());
        this.stops = new StopTexts(params.stop());
        this.hasStops = !params.stop().isEmpty();
        this.includeStop = params.includeStop();
        this.holdBack = includeStop ? 0 : stops.holdBack();
        this.minTokens = params.sampling().minTokens();
        this.emitted = emitted;
    }

    /** Characters handed out. */
    int emitted() {
        return emitted;
    }

    /** The stop text that ended the answer, or null. */
    String stop() {
        return stop;
    }

    /** Appends a token's text; ends the answer if that completes a stop text, but not before the fewest tokens wanted. */
    void append(int token) {
        int before = recent.length();
        detokenizer.append(token, recent);
        fed++;
        if (hasStops && recent.length() > before && fed > minTokens) {
            var match = stops.find(recent, before);
            if (match != null) {
                stop = match.text();
                recent.setLength(includeStop ? match.end() : match.start());
            }
        }
    }

    /**
     * Hands out what may be shown by now.
     *
     * @param last whether the answer has ended, so that nothing is held back
     */
    String take(boolean last) {
        if (last && stop == null) {
            recent.append(detokenizer.flush());
        }
        int end = dropped + (last ? recent.length() : safeEnd());
        if (end <= emitted) {
            return "";
        }
        String piece = recent.substring(emitted - dropped, end - dropped);
        emitted = end;
        forget();
        return piece;
    }

    /** Drops characters that are not needed any more, once there are more of them than of the others, which move up. */
    private void forget() {
        int count = Math.min(emitted - dropped, recent.length() - stops.holdBack());
        if (count > recent.length() / 2) {
            recent.delete(0, count);
            dropped += count;
        }
    }

    /** Where the recent part ends that no stop text can shorten, nor within a surrogate pair. */
    private int safeEnd() {
        int end = Math.max(0, recent.length() - holdBack);
        boolean splitsPair = end > 0 && end < recent.length() && Character.isHighSurrogate(recent.charAt(end - 1));
        return splitsPair ? end - 1 : end;
    }
}
