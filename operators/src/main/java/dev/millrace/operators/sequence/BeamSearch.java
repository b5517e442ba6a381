package dev.millrace.operators.sequence;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The beams of one request, each a sequence, and the best answers that ended (vLLM {@code
 * entrypoints/generate/beam_search}). All beams have the same length: once each has brought its likeliest next tokens, twice
 * as many as there are beams, the best continuations of all go on, and those with an end of sequence have ended. One whose
 * best continuation goes on keeps its sequence; the others fork from it.
 */
public final class BeamSearch {

    private static final Comparator<Candidate> BEST_FIRST =
            Comparator.comparingDouble(Candidate::cumulativeLogprob).reversed();

    private final List<Sequence> answers;
    private final GenerationParams generation;
    private final BeamParams params;
    private final int promptLength;
    private final List<Ended> ended = new ArrayList<>(); // the best ones, best first
    private List<Beam> beams = new ArrayList<>();

    /** One that goes on. */
    private static final class Beam {
        private final Sequence sequence;
        private final double cumulativeLogprob;
        private final Trail trail;
        private SampleLogprobs next; // its likeliest next tokens, once they came

        Beam(Sequence sequence, double cumulativeLogprob, Trail trail) {
            this.sequence = sequence;
            this.cumulativeLogprob = cumulativeLogprob;
            this.trail = trail;
        }
    }

    /** A beam's log-probabilities, last token first, where they are asked for. */
    private record Trail(Trail before, SampleLogprobs token) {}

    /** A beam and its next token, {@code rank} from 0 for the likeliest. */
    private record Candidate(Beam beam, int rank, double cumulativeLogprob) {
        int token() {
            return beam.next.topIds()[rank];
        }
    }

    private record Ended(Hypothesis hypothesis, double score) {}

    /**
     * What became of the beams.
     *
     * @param grown sequences that were lengthened by a token
     * @param forked new sequences, which have all tokens but the last in common with a grown one
     * @param dropped sequences that do not go on
     */
    public record Growth(List<Sequence> grown, List<Sequence> forked, List<Sequence> dropped) {}

    /**
     * @param answers the request's choices, which get the best answers in the end
     * @param before what an earlier attempt had found; empty for a new search
     */
    public BeamSearch(List<Sequence> answers, List<Hypothesis> before) {
        this.answers = List.copyOf(answers);
        this.generation = first().params();
        this.params = generation.beams();
        this.promptLength = first().promptLength();
        for (Hypothesis hypothesis : before) {
            if (hypothesis.ended()) {
                end(hypothesis);
            } else {
                Sequence sequence = first().beam(beams.size(), hypothesis.tokens());
                beams.add(new Beam(sequence, hypothesis.cumulativeLogprob(), null));
            }
        }
        if (before.isEmpty()) {
            beams.add(new Beam(first().beam(0, new int[0]), 0, null));
        }
    }

    public String requestId() {
        return first().requestId();
    }

    /** The request's choices. */
    public List<Sequence> answers() {
        return answers;
    }

    /** The beams that go on. */
    public List<Sequence> beams() {
        return beams.stream().map(beam -> beam.sequence).toList();
    }

    /** Whether no better answer can come. */
    public boolean isOver() {
        if (beams.isEmpty() || length() >= first().maxLength()) {
            return true;
        }
        if (ended.size() < params.width()) {
            return false;
        }
        double best =
                beams.stream().mapToDouble(beam -> beam.cumulativeLogprob).max().orElseThrow();
        double worst = ended.get(ended.size() - 1).score();
        return params.earlyStopping() || worst >= params.bestScore(best, length(), first().maxLength());
    }

    /** The answers found, best first, as many as there are choices; those that have not ended last of equals. */
    public List<Hypothesis> best() {
        List<Ended> all = new ArrayList<>(ended);
        if (!params.earlyStopping() || ended.size() < params.width()) {
            unfinished().forEach(hypothesis -> insert(all, hypothesis));
        }
        return all.stream().limit(answers.size()).map(Ended::hypothesis).toList();
    }

    /**
     * What a later attempt can go on from; nothing where log-probabilities are asked for, which are not kept: it starts
     * anew then, and as nothing was told before the end, nothing is told twice.
     */
    public List<Hypothesis> found() {
        if (generation.logprobs() >= 0) {
            return List.of();
        }
        List<Hypothesis> all = new ArrayList<>(unfinished());
        ended.forEach(end -> all.add(end.hypothesis()));
        return all;
    }

    /** Takes a beam's likeliest next tokens; false while those of others are to come. */
    public boolean tryComplete(Sequence sequence, SampleLogprobs next) {
        boolean complete = true;
        for (Beam beam : beams) {
            if (beam.sequence == sequence) {
                beam.next = next;
                sequence.hold();
            }
            complete &= beam.next != null;
        }
        return complete;
    }

    /** Lets the best continuations go on, now that all are there. */
    public Growth grow() {
        List<Candidate> chosen = new ArrayList<>(params.width());
        for (Candidate candidate : candidates()) {
            if (StopRules.isEndOfSequence(generation, candidate.token())) {
                end(new Hypothesis(tokens(candidate), candidate.cumulativeLogprob(), true, logprobs(trail(candidate))));
            } else if (chosen.size() < params.width()) {
                chosen.add(candidate);
            }
        }
        return replace(chosen);
    }

    /** Every beam with each of its next tokens, best first; of equals the better beam first. */
    private List<Candidate> candidates() {
        List<Candidate> candidates = new ArrayList<>();
        for (Beam beam : beams) {
            int count = Math.min(2 * params.width(), beam.next.topIds().length);
            for (int rank = 0; rank < count; rank++) {
                double logprob = beam.cumulativeLogprob + beam.next.topLogprobs()[rank];
                candidates.add(new Candidate(beam, rank, logprob));
            }
        }
        candidates.sort(BEST_FIRST);
        return candidates;
    }

    private Growth replace(List<Candidate> chosen) {
        Set<Beam> parents = new HashSet<>();
        chosen.forEach(candidate -> parents.add(candidate.beam()));
        List<Sequence> dropped = new ArrayList<>();
        Deque<Integer> slots = freeSlots(parents);
        beams.stream().filter(beam -> !parents.contains(beam)).forEach(beam -> dropped.add(beam.sequence));
        List<Sequence> grown = new ArrayList<>();
        List<Sequence> forked = new ArrayList<>();
        List<Beam> next = new ArrayList<>();
        for (Candidate candidate : chosen) {
            Sequence sequence = candidate.beam().sequence;
            if (parents.remove(candidate.beam())) {
                sequence.extend(candidate.token());
                grown.add(sequence);
            } else {
                sequence = first().beam(slots.remove(), tokens(candidate));
                forked.add(sequence);
            }
            next.add(new Beam(sequence, candidate.cumulativeLogprob(), trail(candidate)));
        }
        beams = next;
        return new Growth(grown, forked, dropped);
    }

    private Deque<Integer> freeSlots(Set<Beam> taken) {
        Deque<Integer> free = new ArrayDeque<>();
        IntStream.range(0, params.width()).forEach(free::add);
        taken.forEach(beam -> free.remove(beam.sequence.choice()));
        return free;
    }

    /** A candidate's tokens, whether its beam was lengthened already or not. */
    private static int[] tokens(Candidate candidate) {
        Sequence sequence = candidate.beam().sequence;
        int before = sequence.isHeld() ? sequence.outputLength() : sequence.outputLength() - 1;
        int[] tokens = Arrays.copyOf(sequence.outputTokens(), before + 1);
        tokens[before] = candidate.token();
        return tokens;
    }

    private Trail trail(Candidate candidate) {
        if (generation.logprobs() < 0) {
            return null;
        }
        SampleLogprobs next = candidate.beam().next;
        int shown = Math.min(generation.logprobs(), next.topIds().length);
        return new Trail(
                candidate.beam().trail,
                new SampleLogprobs(
                        next.topLogprobs()[candidate.rank()],
                        candidate.rank() + 1,
                        Arrays.copyOf(next.topIds(), shown),
                        Arrays.copyOf(next.topLogprobs(), shown)));
    }

    private List<SampleLogprobs> logprobs(Trail last) {
        if (generation.logprobs() < 0) {
            return null;
        }
        Deque<SampleLogprobs> logprobs = new ArrayDeque<>();
        for (Trail trail = last; trail != null; trail = trail.before()) {
            logprobs.addFirst(trail.token());
        }
        return List.copyOf(logprobs);
    }

    private List<Hypothesis> unfinished() {
        return beams.stream()
                .map(beam -> new Hypothesis(
                        beam.sequence.outputTokens(), beam.cumulativeLogprob, false, logprobs(beam.trail)))
                .toList();
    }

    private void end(Hypothesis hypothesis) {
        insert(ended, hypothesis);
        if (ended.size() > params.width()) {
            ended.remove(params.width());
        }
    }

    /** Behind all that are as good. */
    private void insert(List<Ended> sorted, Hypothesis hypothesis) {
        int length = promptLength + hypothesis.tokens().length - (hypothesis.ended() ? 1 : 0);
        double score = params.score(hypothesis.cumulativeLogprob(), length);
        int at = sorted.size();
        while (at > 0 && score > sorted.get(at - 1).score()) {
            at--;
        }
        sorted.add(at, new Ended(hypothesis, score));
    }

    /** Tokens of each beam, the prompt's included. */
    private int length() {
        return beams.get(0).sequence.known();
    }

    private Sequence first() {
        return answers.get(0);
    }
}
