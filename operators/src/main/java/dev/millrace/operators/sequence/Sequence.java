package dev.millrace.operators.sequence;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.kvcache.PrefixKeys;
import dev.millrace.operators.kvcache.TokenIds;

/**
 * One answer in the making: its tokens, known and in flight, and how far they are computed. Belongs to the engine's
 * thread.
 *
 * <p>Its length is what it will have once all launched steps are done: tokens known, then tokens in flight, which the
 * executor knows and we do not yet. A step computes the next tokens of that length; one that reaches its end samples
 * another.
 */
public final class Sequence {

    private final String requestId;
    private final int choice;
    private final long arrival;
    private final int priority;
    private final PreparedPrompt prompt;
    private final int promptLength;
    private final int positionDelta;
    private final boolean hasMedia;
    private final GenerationParams params;
    private final BadWords badWords;
    private final boolean hasBadWords;
    private final TokenIds tokens;
    private final IntList output;
    private final Placement placement = new Placement();
    private final Progress progress = new Progress();
    private final PromptScores promptScores;
    private final Completion completion;

    private Timeline timeline = new Timeline();
    private boolean beam;
    private PrefixKeys prefixKeys;
    private int maxLength;
    private int known;
    private boolean speculates;
    private boolean held;

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
        this(requestId, choice, arrival, priority, prompt, params, output, emittedChars, 0);
    }

    /** @param emittedScores log-probabilities of the prompt that were emitted before */
    public Sequence(
            String requestId,
            int choice,
            long arrival,
            int priority,
            PreparedPrompt prompt,
            GenerationParams params,
            int[] output,
            int emittedChars,
            int emittedScores) {
        this.requestId = requestId;
        this.choice = choice;
        this.arrival = arrival;
        this.priority = priority;
        this.prompt = prompt;
        this.promptLength = prompt.tokenIds().length;
        this.positionDelta = prompt.positions().delta();
        this.hasMedia = !prompt.media().isEmpty();
        this.params = params;
        this.badWords = new BadWords(params.badWords());
        this.hasBadWords = !badWords.isEmpty();
        this.output = new IntList(output.length + 16);
        this.output.addAll(output);
        this.tokens = new TokenIds(prompt.tokenIds(), this.output);
        this.known = promptLength + output.length;
        this.completion = new Completion(params, emittedChars);
        this.promptScores = new PromptScores(choice == 0 ? params.promptLogprobs() : -1, promptLength, emittedScores);
    }

    /** A beam in the search for this answer, with the tokens that it has found; {@code slot} tells it from other beams. */
    Sequence beam(int slot, int[] found) {
        Sequence made = new Sequence(requestId, slot, arrival, priority, prompt, params, found, 0);
        made.beam = true;
        made.timeline = timeline;
        return made;
    }

    /** Binds it to a grammar, before anything is done with it; null leaves it free. */
    public void bind(Grammar bound) {
        completion.bind(bound, output);
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
    public TokenIds tokens() {
        return tokens;
    }

    /** How many tokens of prompt and answer are known. */
    public int known() {
        return known;
    }

    public int promptLength() {
        return promptLength;
    }

    /** Position on an axis (0 time, 1 height, 2 width) of the token at an index. */
    public int position(int axis, int index) {
        return index < promptLength ? prompt.positions().at(axis, index) : index + positionDelta;
    }

    public boolean hasMedia() {
        return hasMedia;
    }

    /** Tokens of the answer that were handled. */
    public int outputLength() {
        return known - promptLength;
    }

    /** Copy of the answer's tokens that were handled. */
    public int[] outputTokens() {
        return output.toArray(0);
    }

    /** What its tokens come to. */
    public Completion completion() {
        return completion;
    }

    /** How far they are computed. */
    public Progress progress() {
        return progress;
    }

    /** When it came how far. */
    public Timeline timeline() {
        return timeline;
    }

    /** What it holds of the executor. */
    public Placement placement() {
        return placement;
    }

    /** Whether it is a beam: its tokens are chosen by the {@link BeamSearch}, from the likeliest that a step finds. */
    public boolean isBeam() {
        return beam;
    }

    /** Whether it is another choice of the same request. */
    public boolean isSibling(Sequence other) {
        return prompt == other.prompt && requestId.equals(other.requestId);
    }

    /** How many log-probabilities are asked for at its next token, beside the chosen one's; −1: none. */
    public int numLogprobs() {
        return beam ? Math.max(2 * params.beams().width(), params.logprobs()) : params.logprobs();
    }

    /** How far the log-probabilities of its prompt are; a request's first choice has them. */
    public PromptScores promptScores() {
        return promptScores;
    }

    /** Keys of its full blocks. */
    public PrefixKeys prefixKeys() {
        return prefixKeys;
    }

    /** Prompt tokens that came from the prefix cache when it was first admitted. */
    public int cachedTokens() {
        return Math.min(timeline.cachedTokens(), promptLength);
    }

    /**
     * Makes it ready to run: the text of an answer begun before is rebuilt.
     *
     * @param speculation whether it may guess tokens, unless more is asked of each than the token
     */
    public void enter(Tokenizer tokenizer, BlockHasher hasher, int maxModelLen, boolean speculation) {
        speculates = speculation && !beam && params.logprobs() < 0 && !hasBadWords;
        prefixKeys = new PrefixKeys(hasher, tokens, prompt.media());
        maxLength = (int) Math.min(maxModelLen, (long) promptLength + params.maxTokens());
        if (beam) {
            return; // its text comes with the answer
        }
        completion.begin(tokenizer, output);
    }

    /** Tokens it has once all launched steps are done. */
    public int length() {
        return known + progress.tokensInFlight();
    }

    /** Most tokens of prompt and answer. */
    int maxLength() {
        return maxLength;
    }

    /** Whether no token may follow those known and in flight. */
    public boolean isFull() {
        return length() >= maxLength;
    }

    /** Whether it guesses tokens where it can. */
    public boolean speculates() {
        return speculates;
    }

    /** Tokens it may guess now: where its last one alone is to be computed, as many as may follow but for the last. */
    public int draftable() {
        boolean decodes = speculates
                && progress.tokensInFlight() == 0
                && known > promptLength
                && progress.computed() == known - 1;
        return decodes ? maxLength - known - 1 : 0;
    }

    /** Tokens that the next step may compute; none while its next token depends on what is still in flight. */
    public int computable() {
        boolean dependsOnHost = beam || hasBadWords || completion.grammar() != null || speculates;
        boolean waitsForHost = held || progress.tokensInFlight() > 0 && dependsOnHost;
        return isFull() || waitsForHost ? 0 : length() - progress.computed();
    }

    /** Adds the tokens that may not be sampled next. */
    public void banNext(IntList banned) {
        if (hasBadWords) {
            badWords.ban(output, banned);
        }
    }

    /** So many of its drafts are right; what was computed of the others does not count. */
    public void accept(int drafts) {
        progress.cutTo(known + drafts);
    }

    /** Sits out until its next token is chosen. */
    void hold() {
        held = true;
    }

    public boolean isHeld() {
        return held;
    }

    /** Goes on with a token that was chosen for it. */
    void extend(int token) {
        output.add(token);
        known++;
        held = false;
    }

    /** Appends a sampled token; the text that may be shown now. */
    public String append(int token) {
        output.add(token);
        known++;
        return completion.append(token, outputLength(), known >= maxLength);
    }
}
