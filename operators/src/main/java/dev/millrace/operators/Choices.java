package dev.millrace.operators;

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

    /**
     * @param before how far the answers were when they were restored; empty for new ones
     */
    Choices(TrackedRequest request, PreparedRequest prepared, List<ChoiceSnapshot> before) {
        this.prepared = prepared;
        this.answers = new ArrayList<>(prepared.choices());
        for (int i = 0; i < prepared.choices(); i++) {
            answers.add(new Answer(request, prepared, i, before.isEmpty() ? null : before.get(i)));
        }
    }

    PreparedRequest prepared() {
        return prepared;
    }

    Answer answer(int choice) {
        return answers.get(choice);
    }

    /** Those that have not ended. */
    List<Sequence> unfinished() {
        return sequences().filter(sequence -> !sequence.isFinished()).toList();
    }

    boolean areFinished() {
        return sequences().allMatch(Sequence::isFinished);
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
                answers.stream().map(Answer::snapshot).toList());
    }

    private Stream<Sequence> sequences() {
        return answers.stream().map(Answer::sequence);
    }
}
