package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Turns a request as it came into one that is valid and complete. Defaults, limits and messages are vLLM's ({@code
 * vllm/sampling_params.py}, {@code vllm/entrypoints/openai/}). Has no state; serves any number of threads.
 */
public final class RequestResolver {

    private static final int COMPLETION_TOKENS = 16; // vLLM's max_tokens for a prompt that is no conversation
    private static final int MAX_CHOICES = 16_384; // vLLM's VLLM_MAX_N_SEQUENCES
    private static final int MAX_STOPS = 256; // each is looked for in every step
    private static final int MAX_STOP_CHARS = 1 << 16; // an answer is held back for as many, and one event tells them

    private final RequestLimits limits;
    private final GenerationConfig defaults;
    private final Tokenizer tokenizer;
    private final int[] eosTokenIds;
    private final int vocabSize;
    private final SamplingResolver sampling;
    private final BeamResolver beams;

    /**
     * @param model the checkpoint's sizes and end-of-sequence tokens
     * @param defaults its sampling values, and end-of-sequence tokens beside those of {@code model}
     */
    public RequestResolver(RequestLimits limits, TextConfig model, GenerationConfig defaults, Tokenizer tokenizer) {
        this.limits = limits;
        this.defaults = defaults;
        this.tokenizer = tokenizer;
        this.vocabSize = model.vocabSize();
        this.eosTokenIds = IntStream.concat(Arrays.stream(model.eosTokenIds()), Arrays.stream(defaults.eosTokenIds()))
                .distinct()
                .toArray();
        this.sampling = new SamplingResolver(defaults, eosTokenIds, vocabSize);
        this.beams = new BeamResolver(mostLogprobs());
    }

    /**
     * @throws ModelNotFoundException if another model is asked for
     * @throws InvalidInputException if a value is out of its range; names the field, the value and what is allowed
     */
    public ResolvedRequest resolve(PromptRequest request) {
        String model = request.getModel();
        if (model != null && !model.isEmpty() && !limits.models().contains(model)) {
            throw new ModelNotFoundException(model, limits.models());
        }
        Require.that(
                request.getPriority() == 0 || limits.priorities(),
                "priority",
                "Got priority %d but Priority scheduling is not enabled.",
                request.getPriority());
        SamplingOptions options = request.getSampling();
        BadWords badWords = BadWords.of(options.getBadWords(), tokenizer);
        SamplingParams params = sampling.resolve(options, seed(request), badWords);
        PromptInput prompt = PromptReader.read(request);
        GenerationParams generation = generation(options, params, badWords, prompt);
        return new ResolvedRequest(
                prompt,
                options.getUseBeamSearch() ? generation.withBeams(beams.resolve(options, generation)) : generation,
                options.getMaxTokens(),
                choices(options, params));
    }

    private GenerationParams generation(
            SamplingOptions options, SamplingParams params, BadWords badWords, PromptInput prompt) {
        return GenerationParams.builder(params, maxTokens(options, prompt))
                .stopTokenIds(Ids.toArray(options.getStopTokenIds()))
                .eosTokenIds(options.getIgnoreEos() ? new int[0] : eosTokenIds)
                .stop(stops(options))
                .includeStop(options.getIncludeStopStrInOutput())
                .skipSpecialTokens(options.getSkipSpecialTokens())
                .logprobs(logprobs(options.getLogprobs(), "logprobs", "sample"))
                .promptLogprobs(promptLogprobs(options))
                .echo(echo(options, prompt))
                .badWords(badWords.longer())
                .grammar(GrammarReader.read(options.getStructuredOutputs()))
                .build();
    }

    /** The most that may be wanted; what is left of the context is not known yet. */
    private int maxTokens(SamplingOptions options, PromptInput prompt) {
        Integer asked = options.getMaxTokens();
        Require.that(asked == null || asked >= 1, "max_tokens", "max_tokens must be at least 1, got %d.", asked);
        int most = asked != null ? asked : prompt instanceof PromptInput.Chat ? Integer.MAX_VALUE : COMPLETION_TOKENS;
        return defaults.maxNewTokens() == null ? most : Math.min(most, defaults.maxNewTokens());
    }

    private static List<String> stops(SamplingOptions options) {
        List<String> stop = List.copyOf(options.getStop());
        Require.that(
                stop.size() <= MAX_STOPS, "stop", "stop must have at most %d entries, got %d.", MAX_STOPS, stop.size());
        Require.that(stop.stream().noneMatch(String::isEmpty), "stop", "stop cannot contain an empty string.");
        int longest = stop.stream().mapToInt(String::length).max().orElse(0);
        Require.that(
                longest <= MAX_STOP_CHARS,
                "stop",
                "stop must have entries of at most %d characters, got %d.",
                MAX_STOP_CHARS,
                longest);
        return stop;
    }

    /** As in vLLM, an echoed prompt has as many as the answer. */
    private int promptLogprobs(SamplingOptions options) {
        boolean asAnswer = options.getEcho() && options.getPromptLogprobs() == null;
        Integer asked = asAnswer ? options.getLogprobs() : options.getPromptLogprobs();
        return logprobs(asked, "prompt_logprobs", "prompt");
    }

    private static boolean echo(SamplingOptions options, PromptInput prompt) {
        Require.that(
                !options.getEcho() || !(prompt instanceof PromptInput.Chat),
                "echo",
                "echo is for a prompt or prompt_token_ids, but messages were given; leave it out.");
        return options.getEcho();
    }

    /** @param of whose log-probabilities they are, in vLLM's words */
    private int logprobs(Integer given, String param, String of) {
        if (given == null) {
            return -1;
        }
        int asked = given;
        Require.that(asked >= -1, param, "%s must be non-negative or -1, got %d.", param, asked);
        int wanted = asked == -1 ? vocabSize : asked;
        int most = mostLogprobs();
        Require.that(
                wanted <= most,
                param,
                "Requested %s logprobs of %d, which is greater than max allowed: %d",
                of,
                wanted,
                most);
        return wanted;
    }

    private int mostLogprobs() {
        return limits.maxLogprobs() == -1 ? vocabSize : Math.min(limits.maxLogprobs(), vocabSize);
    }

    private static int choices(SamplingOptions options, SamplingParams params) {
        int n = options.getN() == null ? 1 : options.getN();
        Require.that(n >= 1, "n", "n must be at least 1, got %d.", n);
        Require.that(n <= MAX_CHOICES, "n", "n must be at most %d, got %d.", MAX_CHOICES, n);
        boolean drawn = params.temperature() > 0;
        Require.that(
                n == 1 || drawn || options.getUseBeamSearch(),
                "n",
                "n must be 1 when using greedy sampling, got %d.",
                n);
        return n;
    }

    private long seed(PromptRequest request) {
        Long given = request.getSampling().getSeed();
        return given == null || given == -1 ? Seeds.of(limits.seed(), request.getRequestId()) : given;
    }
}
