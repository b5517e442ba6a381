package dev.millrace.operators.sequence;

import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.kvcache.PrefixKeys;

/**
 * One answer in the making: its tokens, known and in flight, and how far they are computed. Belongs to the engine's
 * thread.
 *
 * <p>Its length is what it will have once all launched steps are done: tokens known, then tokens in flight, which the
 * executor knows and we do not yet. A step computes the next tokens of that length; one that reaches its end samples
 * another.
 */
public final class Sequence {

    private static final int NEVER_ADMITTED = -1;

    private final String requestId;
    private final int choice;
    private final long arrival;
    private final int priority;
    private final PreparedPrompt prompt;
    private final int promptLength;
    private final boolean hasMedia;
    private final GenerationParams params;
    private final BadWords badWords;
    private final IntList tokens;
    private final int emittedBefore;
    private final Timeline timeline = new Timeline();
    private final Placement placement = new Placement();

    private PrefixKeys prefixKeys;
    private OutputText text;
    private int maxLength;
    private int computed;
    private int tokensInFlight;
    private int stepsInFlight;
    private int cachedTokens = NEVER_ADMITTED;
    private FinishReason finish;
    private Object stopReason;

    /**
     * @param requestId the request's id
     * @param choice which of the request's answers
     * @param arrival number of the request in order of arrival at the subtask
     * @param priority lower goes first under the priority policy
     * @param output tokens generated before (restored from a checkpoint), usually none
     * @param emittedChars characters of the answer that were emitted before
     */
    public Sequence(
            String requestId,
            int choice,
            long arrival,
            int priority,
            PreparedPrompt prompt,
            GenerationParams params,
            int[] output,
            int emittedChars) {
        this.requestId = requestId;
        this.choice = choice;
        this.arrival = arrival;
        this.priority = priority;
        this.prompt = prompt;
        this.promptLength = prompt.tokenIds().length;
        this.hasMedia = !prompt.media().isEmpty();
        this.params = params;
        this.badWords = new BadWords(params.badWords());
        this.tokens = new IntList(prompt.tokenIds().length + output.length + 16);
        this.tokens.addAll(prompt.tokenIds());
        this.tokens.addAll(output);
        this.emittedBefore = emittedChars;
    }

    public String requestId() {
        return requestId;
    }

    public int choice() {
        return choice;
    }

    public long arrival() {
        return arrival;
    }

    public int priority() {
        return priority;
    }

    public PreparedPrompt prompt() {
        return prompt;
    }

    public GenerationParams params() {
        return params;
    }

    /** Prompt and answer as far as they are known. */
    public IntList tokens() {
        return tokens;
    }

    public int promptLength() {
        return promptLength;
    }

    public boolean hasMedia() {
        return hasMedia;
    }

    /** Tokens of the answer that were handled. */
    public int outputLength() {
        return tokens.size() - promptLength();
    }

    /** Copy of the answer's tokens that were handled. */
    public int[] outputTokens() {
        return tokens.toArray(promptLength());
    }

    /** Characters of the answer that were emitted. */
    public int emittedChars() {
        return text == null ? emittedBefore : text.emitted();
    }

    /** Why it ended, or null. */
    public FinishReason finish() {
        return finish;
    }

    /** The stop text ({@code String}) or stop token ({@code Integer}) that ended it, or null. */
    public Object stopReason() {
        return stopReason;
    }

    public boolean isFinished() {
        return finish != null;
    }

    /** When it came how far. */
    public Timeline timeline() {
        return timeline;
    }

    /** What it holds of the executor. */
    public Placement placement() {
        return placement;
    }

    /** Keys of its full blocks. */
    public PrefixKeys prefixKeys() {
        return prefixKeys;
    }

    /** Prompt tokens that came from the prefix cache when it was first admitted. */
    public int cachedTokens() {
        return Math.max(0, cachedTokens);
    }

    /** Makes it ready to run: the text of an answer begun before is rebuilt. */
    public void enter(Tokenizer tokenizer, BlockHasher hasher, int maxModelLen) {
        prefixKeys = new PrefixKeys(hasher, tokens, prompt.media());
        maxLength = (int) Math.min(maxModelLen, (long) promptLength() + params.maxTokens());
        text = new OutputText(tokenizer, params, emittedBefore);
        for (int i = promptLength(); i < tokens.size(); i++) {
            text.append(tokens.get(i));
        }
    }

    /** Tokens it has once all launched steps are done. */
    public int length() {
        return tokens.size() + tokensInFlight;
    }

    /** Whether no token may follow those known and in flight. */
    public boolean isFull() {
        return length() >= maxLength;
    }

    /** Tokens whose computation was launched. */
    public int computed() {
        return computed;
    }

    /** Sampled tokens that are not known yet. */
    public int tokensInFlight() {
        return tokensInFlight;
    }

    public int stepsInFlight() {
        return stepsInFlight;
    }

    /** Tokens that the next step may compute; none while its next token depends on what is still in flight. */
    public int computable() {
        boolean waitsForHost = tokensInFlight > 0 && !badWords.isEmpty();
        return isFull() || waitsForHost ? 0 : length() - computed;
    }

    /** Adds the tokens that may not be sampled next. */
    public void banNext(IntList banned) {
        badWords.ban(tokens, promptLength(), banned);
    }

    /** Runs, or waits to run, with so many tokens computed before, by itself or by others. */
    public void restartAt(int cached) {
        computed = cached;
    }

    /** Notes what was cached when it was first admitted; false if it was admitted before. */
    public boolean tryMarkAdmitted() {
        if (cachedTokens != NEVER_ADMITTED) {
            return false;
        }
        cachedTokens = Math.min(computed, promptLength());
        return true;
    }

    /** Goes with a step that computes {@code count} tokens. */
    public void launched(int count, boolean samples) {
        computed += count;
        stepsInFlight++;
        tokensInFlight += samples ? 1 : 0;
    }

    /** A step it went with is done. */
    public void landed(boolean sampled) {
        stepsInFlight--;
        tokensInFlight -= sampled ? 1 : 0;
    }

    /** Appends a sampled token and finds whether the answer ends with it; the text that may be shown now. */
    public String append(int token) {
        tokens.add(token);
        finish = StopRules.finish(this, token, maxLength);
        boolean stopToken = finish == FinishReason.STOP;
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

    /** Ends it from outside. */
    public void finish(FinishReason reason) {
        finish = reason;
    }
}
