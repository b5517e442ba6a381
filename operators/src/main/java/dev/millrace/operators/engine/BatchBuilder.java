package dev.millrace.operators.engine;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.grammar.GrammarState;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.scheduler.EncoderCache;
import dev.millrace.operators.scheduler.Step;
import dev.millrace.operators.sequence.Sequence;
import java.util.Arrays;
import java.util.List;

/** Lays a step out as the executor's flat arrays. Good for one step. */
final class BatchBuilder {

    private static final int NO_MEDIA = -1;
    private static final int ANY_TOKEN = 0; // a beam's next token is chosen among the likeliest, none is drawn
    private static final int[] NONE = {};
    private static final int[][] ALL_ALLOWED = {};

    private final Step step;
    private final EncoderCache encoder;
    private final int[] ids;
    private final int[] mediaRow;
    private final int[] positions;
    private final int[] cuQ;
    private final int[] contextLength;
    private final int[] row;
    private final int[] sampleToken;
    private final int[] numLogprobs;
    private final int[] sampleRow;
    private final int[] target;
    private final int[] bannedOffsets;
    private final IntList banned = new IntList(4);
    private final int[][] allowed;
    private boolean masked;

    BatchBuilder(Step step, EncoderCache encoder) {
        this.step = step;
        this.encoder = encoder;
        int tokens = step.numTokens();
        int sequences = step.numSequences() - step.numForked();
        int samples = step.numSamples();
        ids = new int[tokens];
        mediaRow = new int[tokens];
        positions = new int[3 * tokens];
        cuQ = new int[sequences + 1];
        contextLength = new int[sequences];
        row = new int[sequences];
        sampleToken = new int[samples];
        sampleRow = new int[samples];
        target = new int[samples];
        numLogprobs = new int[samples];
        bannedOffsets = new int[samples + 1];
        allowed = new int[samples][];
    }

    /** @param draft what the draft model computes, or null */
    ForwardBatch build(DraftBatch draft) {
        Arrays.fill(mediaRow, NO_MEDIA);
        int sample = 0;
        int added = 0;
        for (int i = 0; i < step.numSequences(); i++) {
            if (step.count(i) > 0) {
                addSequence(i, added++);
                addScores(i, cuQ[added - 1], sample);
                sample += step.scores(i);
            }
            if (step.samples(i)) {
                int drafts = step.drafts(i).length;
                addMasks(step.sequence(i).completion().grammar(), step.drafts(i), sample);
                for (int token = cuQ[added] - 1 - drafts; token < cuQ[added]; token++) {
                    addSample(step.sequence(i), token, sample++);
                }
            }
        }
        boolean bans = banned.size() > 0;
        return new ForwardBatch(
                step.number(),
                ids,
                mediaRow,
                positions,
                cuQ,
                contextLength,
                row,
                sampleToken,
                sampleRow,
                target,
                numLogprobs,
                bans ? bannedOffsets : NONE,
                bans ? banned.toArray(0) : NONE,
                masked ? allowed : ALL_ALLOWED,
                step.tableUpdates(),
                step.copyPairs(),
                assignments(),
                false,
                draft);
    }

    private void addSequence(int entry, int index) {
        Sequence sequence = step.sequence(entry);
        int start = step.start(entry);
        int[] drafts = step.drafts(entry);
        int count = step.count(entry) + drafts.length;
        int at = cuQ[index];
        cuQ[index + 1] = at + count;
        contextLength[index] = start + count;
        row[index] = sequence.placement().row();
        addIds(sequence, start, step.count(entry), at);
        System.arraycopy(drafts, 0, ids, at + step.count(entry), drafts.length);
        addPositions(sequence, start, count, at);
        if (start < sequence.promptLength()) {
            addMedia(sequence.prompt().media(), start, count, at);
        }
    }

    private void addIds(Sequence sequence, int start, int count, int at) {
        int copied = Math.min(count, sequence.known() - start);
        if (copied > 0) {
            sequence.tokens().copyTo(start, ids, at, copied);
        }
        if (copied < count) {
            ids[at + count - 1] = ForwardBatch.LAST_SAMPLED;
        }
    }

    private void addPositions(Sequence sequence, int start, int count, int at) {
        int tokens = ids.length;
        for (int i = 0; i < count; i++) {
            positions[at + i] = sequence.position(0, start + i);
            positions[tokens + at + i] = sequence.position(1, start + i);
            positions[2 * tokens + at + i] = sequence.position(2, start + i);
        }
    }

    private void addMedia(List<MediaSpan> media, int start, int count, int at) {
        for (MediaSpan span : media) {
            int from = Math.max(span.start(), start);
            int to = Math.min(span.end(), start + count);
            if (from < to) {
                int[] rows = encoder.rows(span.item().key());
                System.arraycopy(rows, from - span.start(), mediaRow, at + from - start, to - from);
            }
        }
    }

    private void addScores(int entry, int at, int firstSample) {
        Sequence sequence = step.sequence(entry);
        int first = step.scoreStart(entry);
        for (int i = 0; i < step.scores(entry); i++) {
            int sample = firstSample + i;
            sampleToken[sample] = at + first + i - step.start(entry);
            sampleRow[sample] = sequence.placement().row();
            target[sample] = sequence.prompt().tokenIds()[first + i + 1];
            numLogprobs[sample] = sequence.params().promptLogprobs();
            bannedOffsets[sample + 1] = banned.size();
        }
    }

    /** What a grammar allows behind the last token, and behind each draft if it comes. */
    private void addMasks(GrammarState grammar, int[] drafts, int firstSample) {
        GrammarState at = grammar;
        for (int i = 0; at != null && i <= drafts.length; i++) {
            allowed[firstSample + i] = at.mask();
            masked = true;
            at = i < drafts.length ? at.after(drafts[i]) : null;
        }
    }

    private void addSample(Sequence sequence, int token, int sample) {
        sampleToken[sample] = token;
        sampleRow[sample] = sequence.placement().row();
        target[sample] = sequence.isBeam() ? ANY_TOKEN : ForwardBatch.DRAWN;
        numLogprobs[sample] = sequence.numLogprobs();
        sequence.banNext(banned);
        bannedOffsets[sample + 1] = banned.size();
    }

    private List<RowAssignment> assignments() {
        return step.admitted().stream().map(BatchBuilder::assignment).toList();
    }

    private static RowAssignment assignment(Sequence sequence) {
        return new RowAssignment(
                sequence.placement().row(),
                sequence.params().sampling(),
                sequence.choice(),
                sequence.prompt().tokenIds(),
                sequence.outputTokens());
    }
}
