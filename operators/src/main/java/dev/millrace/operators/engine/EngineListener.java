package dev.millrace.operators.engine;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Sequence;
import java.util.List;

/** Hears what the engine brought about, on the thread that called the engine. */
public interface EngineListener {

    /**
     * Some tokens of a sequence were handled; never called after its end. Those of an answer that was searched for in beams
     * come all in the end, in outputs of a few.
     */
    void onOutput(SequenceOutput output);

    /**
     * Log-probabilities of tokens of a sequence's prompt were handled, never after its end; called where the sequence asks
     * for them, in order, each once, before the first token.
     *
     * @param firstPosition position in the prompt of the first of the tokens, at least 1
     */
    default void onPromptLogprobs(Sequence sequence, int firstPosition, List<SampleLogprobs> logprobs) {}

    /**
     * What was added to a sequence.
     *
     * @param sequence the sequence
     * @param firstPosition position in the answer of the first token
     * @param tokens the tokens; empty where the sequence ended without one (an abort)
     * @param text one piece a token
     * @param textStart characters of the answer before this
     * @param logprobs one a token, or null
     * @param finish why the sequence ended, or null
     * @param stopReason the stop text ({@code String}) or stop token ({@code Integer}) that ended it, or null
     */
    record SequenceOutput(
            Sequence sequence,
            int firstPosition,
            int[] tokens,
            List<String> text,
            int textStart,
            List<SampleLogprobs> logprobs,
            FinishReason finish,
            Object stopReason) {

        /** The same of a sequence whose end is told otherwise. */
        public SequenceOutput unfinished() {
            return new SequenceOutput(sequence, firstPosition, tokens, text, textStart, logprobs, null, null);
        }
    }
}
