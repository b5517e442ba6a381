package dev.millrace.operators.engine;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What is asked of an engine.
 *
 * @param number tells it from others; they arrive in this order
 * @param grammar what its answers are bound to, or null
 * @param earlier the one behind whose answer it goes on, or null
 */
record Request(
        int number,
        PreparedPrompt prompt,
        GenerationParams params,
        int choices,
        int priority,
        Grammar grammar,
        Request earlier) {

    /** One for each choice. */
    List<Sequence> sequences() {
        return IntStream.range(0, choices).mapToObj(this::sequence).toList();
    }

    /** Whether tokens of the earlier answer were in the prefix cache for one of its sequences. */
    boolean foundEarlierAnswer(Sequence sequence) {
        return earlier != null && sequence.cachedTokens() > earlier.prompt.tokenIds().length;
    }

    private Sequence sequence(int choice) {
        Sequence sequence = new Sequence("r" + number, choice, number, priority, prompt, params, new int[0], 0);
        sequence.bind(grammar);
        return sequence;
    }
}
