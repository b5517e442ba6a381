package dev.millrace.operators.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TextPart;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestResolverTest {

    private static final int VOCABULARY = 1_000;
    private static final int CONTEXT = 100;
    private static final TextConfig MODEL =
            new TextConfig(VOCABULARY, 8, 8, 1, 1, 1, 8, CONTEXT, 1e-6, 1e4, null, true, 975, new int[] {977});
    private static final RequestLimits LIMITS = new RequestLimits(List.of("demo"), CONTEXT, 20, false, 0);

    @Test
    void whatIsLeftOpenTakesTheDefaultsOfVllm() {
        GenerationParams params = resolve(options -> {});
        SamplingParams sampling = params.sampling();
        assertThat(sampling.temperature()).isEqualTo(1);
        assertThat(sampling.topP()).isEqualTo(1);
        assertThat(sampling.topK()).isZero();
        assertThat(sampling.hasPenalties()).isFalse();
        assertThat(sampling.allowedIds()).isNull();
        assertThat(params.eosTokenIds()).containsExactly(977);
        assertThat(params.logprobs()).isEqualTo(-1);
        assertThat(params.maxTokens()).isEqualTo(16);
    }

    @Test
    void theCheckpointsGenerationConfigReplacesDefaultsButNotWhatTheRequestSays() {
        var defaults = new GenerationConfig(new int[] {977, 975}, 1.05, 1e-6, 5, 0.9, 0.1, 7);
        var resolver = new RequestResolver(LIMITS, MODEL, defaults, new WordTokenizer());

        GenerationParams left = resolver.resolve(request(options -> {})).params();
        assertThat(left.sampling().repetitionPenalty()).isEqualTo(1.05f);
        assertThat(left.sampling().temperature()).isEqualTo(0.01f);
        assertThat(left.sampling().topK()).isEqualTo(5);
        assertThat(left.sampling().topP()).isEqualTo(0.9f);
        assertThat(left.sampling().minP()).isEqualTo(0.1f);
        assertThat(left.maxTokens()).isEqualTo(7);
        assertThat(left.eosTokenIds()).containsExactly(977, 975);

        SamplingParams said = resolver.resolve(request(options -> {
                    options.setTemperature(0.5);
                    options.setRepetitionPenalty(1.0);
                    options.setTopK(-1);
                }))
                .params()
                .sampling();
        assertThat(said.temperature()).isEqualTo(0.5f);
        assertThat(said.hasPenalties()).isFalse();
        assertThat(said.topK()).isZero();
    }

    @Test
    void aGreedyRequestForgetsTheFiltersLikeVllm() {
        SamplingParams greedy = resolve(options -> {
                    options.setTemperature(0.0);
                    options.setTopK(3);
                    options.setTopP(0.5);
                    options.setMinP(0.2);
                })
                .sampling();
        assertThat(greedy.isGreedy()).isTrue();
        assertThat(greedy.topK()).isZero();
        assertThat(greedy.topP()).isEqualTo(1);
        assertThat(greedy.minP()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "temperature|-1|temperature must be non-negative, got -1.0.",
                "temperature|NaN|temperature must be a finite number, got NaN.",
                "temperature|Infinity|temperature must be a finite number, got Infinity.",
                "top_p|2|top_p must be in (0, 1], got 2.0.",
                "top_p|0|top_p must be in (0, 1], got 0.0.",
                "top_p|NaN|top_p must be in (0, 1], got NaN.",
                "min_p|1.5|min_p must be in [0, 1], got 1.5.",
                "min_p|NaN|min_p must be in [0, 1], got NaN.",
                "presence_penalty|-2.5|presence_penalty must be in [-2, 2], got -2.5.",
                "frequency_penalty|NaN|frequency_penalty must be in [-2, 2], got NaN.",
                "repetition_penalty|0|repetition_penalty must be greater than zero, got 0.0.",
                "repetition_penalty|Infinity|repetition_penalty must be a finite number, got Infinity.",
            })
    void aNumberOutOfItsRangeIsRefusedInTheWordsOfVllm(String field, double value, String message) {
        refused(options -> options.put(field, value), message, field);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "max_tokens|-1|max_tokens must be at least 1, got -1.",
                "min_tokens|-1|min_tokens must be greater than or equal to 0, got -1.",
                "top_k|-2|top_k must be 0 (disable), or at least 1, got -2.",
                "logprobs|-2|logprobs must be non-negative or -1, got -2.",
                "prompt_logprobs|-2|prompt_logprobs must be non-negative or -1, got -2.",
                "prompt_logprobs|21|Requested prompt logprobs of 21, which is greater than max allowed: 20",
                "logprobs|21|Requested sample logprobs of 21, which is greater than max allowed: 20",
                "logprobs|-1|Requested sample logprobs of 1000, which is greater than max allowed: 20",
                "n|0|n must be at least 1, got 0.",
                "n|16385|n must be at most 16384, got 16385.",
            })
    void anIntegerOutOfItsRangeIsRefusedInTheWordsOfVllm(String field, int value, String message) {
        refused(options -> options.put(field, value), message, field);
    }

    @Test
    void greedyAnswersWouldAllBeTheSame() {
        refused(
                options -> {
                    options.setN(2);
                    options.setTemperature(0.0);
                },
                "n must be 1 when using greedy sampling, got 2.",
                "n");
    }

    @Test
    void aBeamSearchHasAsManyBeamsAsAnswersWhateverTheTemperature() {
        GenerationParams params = resolve(options -> {
            options.setUseBeamSearch(true);
            options.setN(4);
            options.setTemperature(0.0);
            options.setLengthPenalty(0.5);
        });
        assertThat(params.beams()).isEqualTo(new BeamParams(4, 0.5, false));
        assertThat(resolve(options -> options.setLengthPenalty(0.5)).beams()).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "presence_penalty, 0.5",
        "frequency_penalty, 0.5",
        "repetition_penalty, 1.5",
        "min_tokens, 2",
        "prompt_logprobs, 0",
    })
    void whatBeamsCannotHeedIsRefused(String field, double value) {
        refused(
                options -> {
                    options.setUseBeamSearch(true);
                    boolean real = field.endsWith("penalty");
                    options.put(field, real ? (Object) value : (Object) (int) value);
                },
                field + " is not supported with beam search; leave it out.",
                field);
    }

    @Test
    void beamsHaveNoMoreCandidatesThanLogprobsAreAllowed() {
        refused(
                options -> {
                    options.setUseBeamSearch(true);
                    options.setN(257);
                },
                "n must be at most 256 with beam search, got 257.",
                "n");
        refused(
                options -> {
                    options.setUseBeamSearch(true);
                    options.setN(11);
                },
                "Beam search with n=11 requested sample logprobs of 22, which is greater than max allowed: 20",
                "n");
        refused(
                options -> {
                    options.setUseBeamSearch(true);
                    options.setLengthPenalty(Double.NaN);
                },
                "length_penalty must be a finite number, got NaN.",
                "length_penalty");
    }

    @Test
    void anEchoedPromptHasAsManyLogprobsAsTheAnswer() {
        assertThat(resolve(options -> {}).promptLogprobs()).isEqualTo(-1);
        assertThat(resolve(options -> options.setLogprobs(3)).promptLogprobs()).isEqualTo(-1);
        GenerationParams echoed = resolve(options -> {
            options.setEcho(true);
            options.setLogprobs(3);
        });
        assertThat(echoed.echo()).isTrue();
        assertThat(echoed.promptLogprobs()).isEqualTo(3);
        assertThat(resolve(options -> options.setPromptLogprobs(0)).promptLogprobs())
                .isZero();
    }

    @Test
    void tokensOutsideTheVocabularyAreRefused() {
        refused(
                options -> options.setStopTokenIds(List.of(VOCABULARY)),
                "token_id(s) [1000] in stop_token_ids contain out-of-vocab token ids. Vocabulary size: 1000",
                "stop_token_ids");
        refused(
                options -> options.setLogitBias(Map.of("-3", 1.0)),
                "token_id(s) [-3] in logit_bias contain out-of-vocab token ids. Vocabulary size: 1000",
                "logit_bias");
        refused(
                options -> options.setLogitBias(Map.of("x", 1.0)),
                "logit_bias contains key(s) that cannot be converted to integer token IDs: ['x']",
                "logit_bias");
        refused(
                options -> options.setAllowedTokenIds(List.of()),
                "allowed_token_ids is not None and empty!",
                "allowed_token_ids");
    }

    @Test
    void aSamplerThatMayChooseNothingIsRefused() {
        refused(
                options -> {
                    options.setAllowedTokenIds(List.of(977));
                    options.setMinTokens(1);
                },
                "allowed_token_ids leaves no token to generate",
                "allowed_token_ids");
        assertThat(resolve(options -> options.setAllowedTokenIds(List.of(977, 5, 5)))
                        .sampling()
                        .allowedIds())
                .containsExactly(5, 977);
    }

    @Test
    void biasIsCutToAHundredAndSortedByToken() {
        SamplingParams params = resolve(options -> options.setLogitBias(Map.of("9", 1e9, "3", -1e9)))
                .sampling();
        assertThat(params.biasIds()).containsExactly(3, 9);
        assertThat(params.biasValues()).containsExactly(-100, 100);
        refused(options -> options.setLogitBias(Map.of("9", Double.NaN)), "logit_bias of token 9", "logit_bias");
    }

    @Test
    void badWordsAreBannedWithAndWithoutALeadingSpace() {
        var tokenizer = new WordTokenizer();
        int plain = tokenizer.encode("fish")[0];
        int spaced = tokenizer.encode(" fish")[0];
        var resolver = new RequestResolver(LIMITS, MODEL, GenerationConfig.NONE, tokenizer);
        GenerationParams params = resolver.resolve(
                        request(options -> options.setBadWords(List.of("fish", " fish", "ice-cream"))))
                .params();
        assertThat(params.sampling().bannedIds()).containsExactly(plain, spaced);
        assertThat(params.badWords()).containsExactly(tokenizer.encode("ice-cream"), tokenizer.encode(" ice-cream"));
        refused(options -> options.setBadWords(List.of("")), "bad_words cannot contain an empty string.", "bad_words");
    }

    @Test
    void stopTextsThatAreEmptyOrTooManyOrTooLongAreRefused() {
        refused(options -> options.setStop(List.of("a", "")), "stop cannot contain an empty string.", "stop");
        refused(
                options -> options.setStop(Collections.nCopies(257, "a")),
                "stop must have at most 256 entries, got 257.",
                "stop");
        refused(
                options -> options.setStop(List.of("a", "b".repeat(65_537))),
                "stop must have entries of at most 65536 characters, got 65537.",
                "stop");
        assertThat(resolver().resolve(request(options -> options.setStop(List.of("b".repeat(65_536))))))
                .isNotNull();
    }

    @Test
    void anotherModelDoesNotExist() {
        var request = request(options -> {});
        request.setModel("gpt-9");
        assertThatThrownBy(() -> resolver().resolve(request))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessage("The model `gpt-9` does not exist. Ask for `demo`, or leave model out.");
        for (String name : List.of("demo", "")) {
            request.setModel(name);
            assertThat(resolver().resolve(request)).isNotNull();
        }
    }

    @Test
    void aModelAnswersToEachOfItsNames() {
        var resolver = new RequestResolver(
                new RequestLimits(List.of("./demo", "demo"), CONTEXT, 20, false, 0),
                MODEL,
                GenerationConfig.NONE,
                new WordTokenizer());
        var request = request(options -> {});
        for (String name : List.of("./demo", "demo")) {
            request.setModel(name);
            assertThat(resolver.resolve(request)).isNotNull();
        }
        request.setModel("Demo");
        assertThatThrownBy(() -> resolver.resolve(request))
                .hasMessage("The model `Demo` does not exist. Ask for `./demo` or `demo`, or leave model out.");
    }

    @Test
    void aPriorityNeedsThePriorityPolicy() {
        var request = request(options -> {});
        request.setPriority(3);
        assertThatThrownBy(() -> resolver().resolve(request))
                .hasMessage("Got priority 3 but Priority scheduling is not enabled.");
        var priorities = new RequestLimits(List.of("demo"), CONTEXT, 20, true, 0);
        assertThat(new RequestResolver(priorities, MODEL, GenerationConfig.NONE, new WordTokenizer()).resolve(request))
                .isNotNull();
    }

    @Test
    void theSeedIsGivenOrFollowsFromTheRequestId() {
        assertThat(resolve(options -> options.setSeed(42L)).sampling().seed()).isEqualTo(42);
        long derived = resolve(options -> {}).sampling().seed();
        assertThat(resolve(options -> options.setSeed(-1L)).sampling().seed()).isEqualTo(derived);
        // first eight bytes of printf r-1 | sha256sum
        assertThat(derived).isEqualTo(0xa5fa777a3dc67268L);
    }

    @Test
    void exactlyOneKindOfPromptIsGiven() {
        var none = request(options -> {});
        none.setPrompt(null);
        assertThatThrownBy(() -> resolver().resolve(none))
                .hasMessage("exactly one of messages, prompt and prompt_token_ids must be given, got none.");
        var two = request(options -> {});
        two.setPromptTokenIds(List.of(1));
        assertThatThrownBy(() -> resolver().resolve(two))
                .hasMessage("exactly one of messages, prompt and prompt_token_ids must be given,"
                        + " got prompt and prompt_token_ids.");
    }

    @Test
    void mediaKeepTheirBytesAndOptions() {
        var image = MediaPart.newBuilder()
                .setKind(MediaKind.IMAGE)
                .setData(ByteBuffer.wrap(new byte[] {1, 2}))
                .setMaxPixels(50_176)
                .build();
        var chat = (PromptInput.Chat) resolver()
                .resolve(chat(message("user", List.of(new TextPart("look"), image))))
                .prompt();
        var source = ((PromptInput.MediaPart) chat.messages().get(0).content().get(1)).source();
        assertThat(source.files()).containsExactly(new byte[] {1, 2});
        assertThat(source.video()).isFalse();
        assertThat(source.options().maxPixels()).isEqualTo(50_176);
        assertThat(image.getData().remaining()).isEqualTo(2);
    }

    @Test
    void aMediaPartHasExactlyOneSource() {
        var nothing = MediaPart.newBuilder().setKind(MediaKind.IMAGE).build();
        assertThatThrownBy(() -> resolver().resolve(chat(message("user", List.of(nothing)))))
                .hasMessage("messages[0].content[0] must have exactly one of url, data and frames, got 0 of them.");
    }

    @Test
    void aConversationTakesWhatTheContextHoldsAndAPromptSixteenTokens() {
        ResolvedRequest chat = resolver().resolve(chat(message("user", List.of(new TextPart("hi")))));
        assertThat(chat.fit(30, CONTEXT).maxTokens()).isEqualTo(70);
        ResolvedRequest plain = resolver().resolve(request(options -> {}));
        assertThat(plain.fit(30, CONTEXT).maxTokens()).isEqualTo(16);
        assertThat(plain.fit(90, CONTEXT).maxTokens()).isEqualTo(10);
    }

    @Test
    void whatDoesNotFitIntoTheContextIsRefused() {
        ResolvedRequest asked = resolver().resolve(request(options -> options.setMaxTokens(50)));
        assertThat(asked.fit(50, CONTEXT).maxTokens()).isEqualTo(50);
        assertThatThrownBy(() -> asked.fit(51, CONTEXT))
                .hasMessageContaining(
                        "However, you requested 50 output tokens and your prompt contains 51 input tokens");
        ResolvedRequest most = resolver().resolve(request(options -> options.setMaxTokens(Integer.MAX_VALUE)));
        assertThatThrownBy(() -> most.fit(1, CONTEXT)).hasMessageContaining("for a total of 2147483648 tokens");
    }

    @Test
    void moreTokensThanMayBeGeneratedCannotBeRequired() {
        ResolvedRequest request = resolver().resolve(request(options -> options.setMinTokens(17)));
        assertThatThrownBy(() -> request.fit(1, CONTEXT))
                .hasMessage("min_tokens must be less than or equal to max_tokens=16, got 17.");
    }

    private static void refused(Consumer<SamplingOptions> change, String message, String param) {
        assertThatThrownBy(() -> resolve(change))
                .isInstanceOfSatisfying(
                        InvalidInputException.class, e -> assertThat(e.param()).isEqualTo(param))
                .hasMessageStartingWith(message);
    }

    private static GenerationParams resolve(Consumer<SamplingOptions> change) {
        return resolver().resolve(request(change)).params();
    }

    private static RequestResolver resolver() {
        return new RequestResolver(LIMITS, MODEL, GenerationConfig.NONE, new WordTokenizer());
    }

    private static PromptRequest request(Consumer<SamplingOptions> change) {
        var options = SamplingOptions.newBuilder().build();
        change.accept(options);
        return PromptRequest.newBuilder()
                .setRequestId("r-1")
                .setPrompt("a word")
                .setSampling(options)
                .build();
    }

    private static PromptRequest chat(ChatMessage... messages) {
        return PromptRequest.newBuilder()
                .setRequestId("r-1")
                .setMessages(List.of(messages))
                .setSampling(SamplingOptions.newBuilder().build())
                .build();
    }

    private static ChatMessage message(String role, List<Object> content) {
        return ChatMessage.newBuilder().setRole(role).setContent(content).build();
    }
}
