package dev.millrace.operators;

import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TextPart;
import dev.millrace.schemas.UnreadableRecord;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;

/** Records as a source gives them. */
final class Requests {

    private static long offset;

    private Requests() {}

    /** A plain prompt that is answered with so many tokens. */
    static PromptRequest prompt(String id, String text, int maxTokens) {
        return PromptRequest.newBuilder()
                .setRequestId(id)
                .setPrompt(text)
                .setSampling(options(options -> {
                    options.setMaxTokens(maxTokens);
                    options.setIgnoreEos(true);
                }))
                .build();
    }

    static PromptRequest chat(String id, String role, Object... parts) {
        return PromptRequest.newBuilder()
                .setRequestId(id)
                .setMessages(List.of(new ChatMessage(role, List.of(parts))))
                .setSampling(options(options -> options.setMaxTokens(8)))
                .build();
    }

    static TextPart text(String text) {
        return new TextPart(text);
    }

    static SamplingOptions options(Consumer<SamplingOptions> change) {
        var options = SamplingOptions.newBuilder().build();
        change.accept(options);
        return options;
    }

    static InboundPrompt inbound(PromptRequest request) {
        return InboundPrompt.newBuilder()
                .setTopic("prompts")
                .setPartition(3)
                .setOffset(offset++)
                .setTimestamp(Instant.ofEpochMilli(1_000))
                .setRequest(request)
                .build();
    }

    static InboundPrompt unreadable(String value) {
        var error = EventError.newBuilder()
                .setCode("invalid_request_error")
                .setMessage("no JSON")
                .build();
        return InboundPrompt.newBuilder()
                .setTopic("prompts")
                .setPartition(3)
                .setOffset(offset++)
                .setTimestamp(Instant.ofEpochMilli(1_000))
                .setUnreadable(UnreadableRecord.newBuilder()
                        .setValue(ByteBuffer.wrap(value.getBytes()))
                        .setError(error)
                        .setReplyTo("asker")
                        .build())
                .build();
    }
}
