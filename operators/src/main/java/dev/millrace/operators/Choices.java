package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.operators.engine.InferenceEngine;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Hypothesis;
import dev.millrace.operators.sequence.Sequence;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.schemas.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A prepared request's answers, by their number. They share its prompt; it ends with the last of them. */
final class Choices {

    private final PreparedRequest prepared;
    private final List<Answer> answers;
    private final BeamSearch search; // null where tokens are drawn

    /**
     * @param before how far the answers were when they were restored, or what their search had found; empty for new ones
     */
    Choices(TrackedRequest request, PreparedRequest prepared, List<ChoiceSnapshot> before) {
        this.prepared = prepared;
        this.answers = new ArrayList<>(prepared.choices());
        boolean searches = prepared.params().beams() != null;
        for (int i = 0; i < prepared.choices(); i++) {
            ChoiceSnapshot answer = before.isEmpty() ? null : searches ? untold(before.get(0)) : before.get(i);
            answers.add(new Answer(request, prepared, i, answer));
        }
        this.search = searches ? new BeamSearch(sequences().toList(), found(before)) : null;
    }

    /** An answer whose search was begun before; nothing of it was told. */
    private static ChoiceSnapshot untold(ChoiceSnapshot found) {
        return new ChoiceSnapshot(new int[0], 0, null, 0, found.scheduledAt(), found.cachedTokens(), 0);
    }

    private static List<Hypothesis> found(List<ChoiceSnapshot> before) {
        return before.stream()
                .map(it -> new Hypothesis(it.tokens(), it.cumulativeLogprob(), it.finish() != null, null))
                .toList();
    }

    /**
     * Hands those that have not ended to the engine.
     *
     * @throws InvalidInputException if it can never answer them
     */
    void enter(InferenceEngine engine) {
        if (search != null) {
            engine.add(search);
        } else {
            unfinished().forEach(engine::add);
        }
    }

    PreparedRequest prepared() {
        return prepared;
    }

    Answer answer(int choice) {
        return answers.get(choice);
    }

    /** Those whose last event is still to come. */
    List<Sequence> unfinished() {
        return sequences()
                .filter(sequence -> !sequence.completion().isFinished()
                        || sequence.completion().finish() == FinishReason.ERROR)
                .toList();
    }

    boolean areFinished() {
        return sequences().allMatch(sequence -> sequence.completion().isFinished());
    }

    /** The prompt once, the tokens of all answers. */
    Usage usage() {
        return new Usage(
                prepared.prompt().tokenIds().length,
                sequences().mapToInt(Sequence::outputLength).sum(),
                answers.get(0).cachedTokens()); // the first is admitted first
    }

    Prepared snapshot() {
        return new Prepared(
                prepared.params(),
                prepared.prompt().tokenIds(),
                prepared.mediaStarts(),
                prepared.media(),
                search == null ? answers.stream().map(Answer::snapshot).toList() : searchSnapshot());
    }

    /** What the search has found, whole answers or their beginnings. */
    private List<ChoiceSnapshot> searchSnapshot() {
        return search.found().stream().map(answers.get(0)::snapshot).toList();
    }

    private Stream<Sequence> sequences() {
        return answers.stream().map(Answer::sequence);
    }
}
