package dev.millrace.bench.recovery;

import dev.millrace.bench.recovery.ClientStream.Heard;
import dev.millrace.bench.recovery.CommittedAnswers.Committed;
import java.util.List;
import java.util.Map;

/**
 * What crashes did to answers of a known length.
 *
 * @param failed streams that ended with an error, or early
 * @param missing tokens that streams or committed answers lack
 * @param repeated tokens that they have beyond their length
 * @param misplaced committed events that do not join up with those before
 * @param cut answers that a job ended which had crashed before
 * @param diverged streams that told that a replay went another way
 * @param unreported tokens, and texts, that a client heard otherwise than they were committed and was not told of
 */
record Verdict(int failed, int missing, int repeated, int misplaced, int cut, int diverged, int unreported) {

    /**
     * Compares what clients heard with what was committed.
     *
     * @param length tokens of each answer
     * @param committed by the ids of the engine's requests, each the answer's and what makes it unique
     */
    static Verdict of(int length, List<Heard> streams, Map<String, Committed> committed) {
        var verdict = new Verdict(0, 0, 0, 0, 0, 0, 0);
        for (Heard heard : streams) {
            Committed answer = find(heard.id(), committed);
            int lacking = length - heard.tokens().size();
            int uncommitted = length - answer.tokens().size();
            verdict = verdict.plus(new Verdict(
                    heard.error() == null ? 0 : 1,
                    Math.max(0, lacking) + Math.max(0, uncommitted),
                    Math.max(0, -lacking) + Math.max(0, -uncommitted),
                    answer.misplaced(),
                    answer.wasCut() ? 1 : 0,
                    heard.diverged() ? 1 : 0,
                    unreported(heard, answer)));
        }
        return verdict;
    }

    /** None of it, if there is no such answer. */
    private static Committed find(String id, Map<String, Committed> committed) {
        return committed.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(id + "-"))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElseGet(Committed::new);
    }

    /** A client that was told of another way has heard what was committed from there on. */
    private static int unreported(Heard heard, Committed answer) {
        int common = Math.min(heard.tokens().size(), answer.tokens().size());
        int differences = 0;
        for (int i = heard.divergedAt(); i < common; i++) {
            differences += heard.tokens().get(i).equals(answer.tokens().get(i)) ? 0 : 1;
        }
        boolean sameText = heard.diverged() || heard.text().equals(answer.text());
        return differences + (sameText ? 0 : 1);
    }

    private Verdict plus(Verdict other) {
        return new Verdict(
                failed + other.failed,
                missing + other.missing,
                repeated + other.repeated,
                misplaced + other.misplaced,
                cut + other.cut,
                diverged + other.diverged,
                unreported + other.unreported);
    }

    /** Whether nothing was lost or repeated, and whatever differed was reported. */
    boolean holds() {
        return failed + missing + repeated + misplaced + unreported == 0;
    }
}
