package dev.millrace.operators.sequence;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.grammar.GrammarState;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.kvcache.IntList;

/** What an answer's tokens come to: its text, its way through its grammar, and why it ended. */
public final class Completion {

    private final GenerationParams params;
    private final int emittedBefore;
    private final Binding binding = new Binding();

    private OutputText text;
    private FinishReason finish;
    private Object stopReason;

    /** @param emitted characters that were emitted before */
    Completion(GenerationParams params, int emitted) {
        this.params = params;
        this.emittedBefore = emitted;
    }

    void bind(Grammar grammar, IntList output) {
        binding.begin(grammar, params.sampling().stopIds(), output.toArray(0));
    }

    /** Rebuilds the text of an answer begun before. */
    void begin(Tokenizer tokenizer, IntList output) {
        text = new OutputText(tokenizer, params, emittedBefore);
        for (int i = 0; i < output.size(); i++) {
            text.append(output.get(i));
        }
    }

    /** How far it is in its grammar, or null where it has none. */
    public GrammarState grammar() {
        return binding.state();
    }

    /** How many of the first drafts its grammar allows, one after the other. */
    public int allowed(int[] drafts) {
        return binding.allowed(drafts);
    }

    /** Characters that were emitted. */
    public int emittedChars() {
        return text == null ? emittedBefore : text.emitted();
    }

    public boolean isFinished() {
        return finish != null;
    }

    /** Why it ended, or null. */
    public FinishReason finish() {
        return finish;
    }

    /** The stop text ({@code String}) or stop token ({@code Integer}) that ended it, or null. */
    public Object stopReason() {
        return stopReason;
    }

    /** Why it cannot go on, where it ended with {@link FinishReason#ERROR}. */
    public String fault() {
        return binding.fault();
    }

    /** Ends it from outside. */
    public void finish(FinishReason reason) {
        finish = reason;
    }

    /**
     * Takes a token and finds whether the answer ends with it.
     *
     * @param length tokens of the answer, this one included
     * @param isLast whether none may follow
     * @return the text that may be shown now
     */
    String append(int token, int length, boolean isLast) {
        finish = StopRules.finish(params, token, length, isLast);
        boolean stopToken = finish == FinishReason.STOP || binding.isEnd(token);
        if (finish != FinishReason.STOP) {
            FinishReason bound = binding.advance(token);
            finish = bound == null ? finish : bound;
        }
        if (stopToken) {
            stopReason = StopRules.isEndOfSequence(params, token) ? null : (Object) token;
        }
        if (!stopToken || params.includeStop()) {
            text.append(token);
        }
        if (text.stop() != null) {
            finish = FinishReason.STOP;
            stopReason = text.stop();
        }
        return text.take(isFinished());
    }
}
