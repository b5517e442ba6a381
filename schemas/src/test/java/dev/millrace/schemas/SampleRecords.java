package dev.millrace.schemas;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Records with every field set: what the golden files hold. */
public final class SampleRecords {

    private static final Instant NOON = Instant.parse("2026-11-22T12:00:00.123Z");

    private SampleRecords() {}

    public static PromptRequest conversation() {
        return PromptRequest.newBuilder()
                .setRequestId("request-1")
                .setModel("demo-vl")
                .setMessages(List.of(
                        new ChatMessage("system", List.of(new TextPart("You see."))),
                        new ChatMessage("user", List.of(new TextPart("什么 \uD83D\uDE00?"), picture(), video()))))
                .setAddGenerationPrompt(false)
                .setContinueFinalMessage(true)
                .setAddVisionId(true)
                .setChatTemplateKwargs("{\"enable_thinking\":false,\"style\":[\"brief\",1.5,null]}")
                .setSampling(sampling())
                .setPriority(-3)
                .setCreatedAt(NOON)
                .setDeadline(NOON.plusSeconds(60))
                .setReplyTo("gateway-7")
                .setHeaders(Map.of("tenant", "a"))
                .build();
    }

    public static PromptRequest plain(String prompt) {
        return PromptRequest.newBuilder()
                .setRequestId("plain")
                .setPrompt(prompt)
                .setSampling(SamplingOptions.newBuilder().build())
                .build();
    }

    private static MediaPart picture() {
        return MediaPart.newBuilder()
                .setKind(MediaKind.IMAGE)
                .setUrl("https://example.org/a.png")
                .setMinPixels(3136)
                .setMaxPixels(100352)
                .build();
    }

    private static MediaPart video() {
        return MediaPart.newBuilder()
                .setKind(MediaKind.VIDEO)
                .setFrames(List.of(bytes("frame one"), bytes("frame two")))
                .setFps(2.5)
                .build();
    }

    private static SamplingOptions sampling() {
        return SamplingOptions.newBuilder()
                .setN(1)
                .setTemperature(0.7)
                .setTopP(0.9)
                .setTopK(40)
                .setMinP(0.05)
                .setRepetitionPenalty(1.05)
                .setPresencePenalty(0.5)
                .setFrequencyPenalty(-0.5)
                .setSeed(1L << 60)
                .setMaxTokens(128)
                .setMinTokens(2)
                .setStop(List.of("\n\n", "END"))
                .setStopTokenIds(List.of(7, 8))
                .setIgnoreEos(true)
                .setIncludeStopStrInOutput(true)
                .setSkipSpecialTokens(false)
                .setLogprobs(3)
                .setLogitBias(Map.of("12", -4.5))
                .setAllowedTokenIds(List.of(1, 2, 3))
                .setBadWords(List.of("bad"))
                .build();
    }

    public static TokenEvent lastEvent() {
        TokenLogprob chosen = new TokenLogprob(42, " cat", -0.25f, 1);
        return TokenEvent.newBuilder()
                .setRequestId("request-1")
                .setChoice(1)
                .setFirstPosition(9)
                .setTokenIds(List.of(42, 43))
                .setText(List.of(" cat", ""))
                .setTextStart(31)
                .setAttempt(2)
                .setLogprobs(
                        List.of(new PositionLogprobs(chosen, List.of(chosen)), new PositionLogprobs(chosen, List.of())))
                .setFinishReason(FinishReason.ERROR)
                .setStopReason("END")
                .setUsage(new Usage(100, 11, 64))
                .setError(new EventError("replay_diverged", "it differs", "choice"))
                .setReplyTo("gateway-7")
                .setHeaders(Map.of("tenant", "a"))
                .setCreatedAt(NOON)
                .setScheduledAt(NOON.plusMillis(5))
                .setEmittedAt(NOON.plusMillis(77))
                .build();
    }

    /** A completion that asks for what version 3 added. */
    public static PromptRequest scoredPrompt() {
        PromptRequest request = plain("Once");
        request.getSampling().setPromptLogprobs(5);
        request.getSampling().setEcho(true);
        request.getSampling().setUseBeamSearch(true);
        request.getSampling().setLengthPenalty(0.5);
        request.getSampling().setEarlyStopping(true);
        request.getSampling()
                .setStructuredOutputs(StructuredOutputs.newBuilder()
                        .setChoice(List.of("a", "ü"))
                        .build());
        return request;
    }

    /** What version 2 added. */
    public static TokenEvent promptEvent() {
        TokenLogprob there = new TokenLogprob(42, " cat", -2.5f, 7);
        TokenLogprob likeliest = new TokenLogprob(43, " dog", -0.25f, 1);
        return TokenEvent.newBuilder()
                .setRequestId("request-1")
                .setPromptLogprobs(List.of(new PositionLogprobs(there, List.of(likeliest))))
                .setPromptLogprobsStart(65)
                .setPromptText(" upon")
                .setPromptTextStart(4)
                .setPromptTokens(99)
                .setEmittedAt(NOON)
                .build();
    }

    /** One of two subtasks at work. */
    public static EngineStatus status() {
        return EngineStatus.newBuilder()
                .setSubtask(1)
                .setParallelism(2)
                .setVersion("0.1.0")
                .setModelNames(List.of("demo-vl", "demo"))
                .setModelPath("/models/demo-vl")
                .setMaxModelLen(512)
                .setMaxLogprobs(20)
                .setMediaLimits(Map.of("image", 5, "video", 1))
                .setUnfinished(7)
                .setRunning(3)
                .setWaiting(4)
                .setKvCacheUsage(0.25)
                .setCounters(Map.of("prompt_tokens", 12L))
                .setAt(NOON)
                .build();
    }

    public static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
