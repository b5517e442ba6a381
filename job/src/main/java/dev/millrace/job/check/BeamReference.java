package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The reference's beam search of a case, {@code beamN}: N beams, length penalty 1, no end of sequence.
 *
 * @param sequences the beams' tokens, best first
 * @param meanLogprobs their log-probabilities, a token's on average
 */
record BeamReference(int[][] sequences, double[] meanLogprobs) {

    private static final Pattern NAME = Pattern.compile("beam\\d+");

    static boolean isName(String field) {
        return NAME.matcher(field).matches();
    }

    /** Null where the case has none. */
    static BeamReference parse(JsonNode golden) {
        for (Iterator<Map.Entry<String, JsonNode>> fields = golden.fields(); fields.hasNext(); ) {
            Map.Entry<String, JsonNode> field = fields.next();
            if (isName(field.getKey())) {
                return of(field.getValue());
            }
        }
        return null;
    }

    private static BeamReference of(JsonNode beams) {
        int[][] sequences = new int[beams.path("sequences").size()][];
        for (int i = 0; i < sequences.length; i++) {
            sequences[i] = GoldenCase.integers(beams.path("sequences").path(i));
        }
        return new BeamReference(sequences, GoldenCase.doubles(beams.path("mean_logprob")));
    }

    int width() {
        return sequences.length;
    }

    /** Most tokens of a beam. */
    int length() {
        int length = 0;
        for (int[] sequence : sequences) {
            length = Math.max(length, sequence.length);
        }
        return length;
    }
}
